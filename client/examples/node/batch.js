// Summarises many articles over one stream: prints a short summary of each, in the order in which they are finished.
//
//     node batch.js article.txt ...
const fs = require("node:fs");
const { Readable } = require("node:stream");
const { connect, reasonOf, errorInfo } = require("./nutgraf");

// Files are read as the server asks for them: a stream that is piped waits while its reader is busy.
function* requests(files) {
  for (const file of files) {
    const request = { text: fs.readFileSync(file, "utf8"), summaries: [{ length: "SUMMARY_LENGTH_SHORT" }] };
    yield { id: file, request, itemTimeout: { seconds: 60 } };
  }
}

async function main(files) {
  const client = connect();
  const stream = client.SummarizeMany();
  Readable.from(requests(files)).pipe(stream);
  try {
    for await (const { id, response, error } of stream) {
      // One article's error does not end the stream.
      console.log(`${id}: ${error ? errorInfo(error).reason : response.summaries[0].text}`);
    }
  } catch (error) {
    console.error(`${reasonOf(error)}: ${error.details}`);
    process.exitCode = 1;
  }
  client.close();
}

main(process.argv.slice(2));
