// Summarises one article, and shows which of its passages support each sentence.
//
//     node summarize.js article.txt [SECONDS]
const fs = require("node:fs");
const { connect, slicer, reasonOf } = require("./nutgraf");

const [file, seconds = "60"] = process.argv.slice(2);
const text = fs.readFileSync(file, "utf8");
const client = connect();

client.Summarize({ text }, { deadline: Date.now() + 1000 * seconds }, (error, response) => {
  client.close();
  if (error) {
    console.error(`${reasonOf(error)}: ${error.details}`);
    process.exitCode = 1;
    return;
  }
  const article = slicer(text);
  for (const summary of response.summaries) {
    console.log(summary.length);
    const sentence = slicer(summary.text);
    for (const { span, evidence } of summary.sentences) {
      console.log(`- ${sentence(span)}`);
      for (const passage of evidence) console.log(`  from: ${article(passage.span)}`);
    }
  }
});
