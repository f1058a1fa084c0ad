# Summarises many articles over one stream: prints a short summary of each, in the order in which they are finished.
#
#     ruby -I lib batch.rb article.txt ...
require_relative "nutgraf"

short = [Nutgraf::V1::SummarySpec.new(length: :SUMMARY_LENGTH_SHORT)]
# Lazy: files are read as the server asks for them.
requests = ARGV.lazy.map do |file|
  article = Nutgraf::V1::SummarizeRequest.new(text: File.read(file, encoding: "UTF-8"), summaries: short)
  Nutgraf::V1::SummarizeManyRequest.new(id: file, request: article, item_timeout: { seconds: 60 })
end

begin
  Nutgraf.connect.summarize_many(requests).each do |answer|
    # One article's error does not end the stream.
    said = answer.error ? Nutgraf.error_info(answer.error).reason : answer.response.summaries.first.text
    puts "#{answer.id}: #{said}"
  end
rescue GRPC::BadStatus => error
  abort "#{Nutgraf.reason_of(error)}: #{error.details}"
end
