# Summarises one article, and shows which of its passages support each sentence.
#
#     ruby -I lib summarize.rb article.txt [SECONDS]
require_relative "nutgraf"

file, seconds = ARGV
text = File.read(file, encoding: "UTF-8")
request = Nutgraf::V1::SummarizeRequest.new(text: text)
begin
  response = Nutgraf.connect.summarize(request, deadline: Time.now + (seconds || 60).to_f)
rescue GRPC::BadStatus => error
  abort "#{Nutgraf.reason_of(error)}: #{error.details}"
end

response.summaries.each do |summary|
  puts summary.length
  summary.sentences.each do |sentence|
    puts "- #{Nutgraf.slice(summary.text, sentence.span)}"
    sentence.evidence.each { |passage| puts "  from: #{Nutgraf.slice(text, passage.span)}" }
  end
end
