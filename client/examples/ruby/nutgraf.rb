# What the programs here share: a connection to a nutgraf server, and how to read what it says.
require "grpc"
require "google/protobuf/well_known_types"
require "google/rpc/error_details_pb"
require "nutgraf/v1/summarizer_services_pb"

module Nutgraf
  # A client of the server at NUTGRAF_SERVER: by TLS if NUTGRAF_CA names a file of certificates to trust, and with the
  # token in NUTGRAF_TOKEN if there is one, which belongs to TLS: in plain text anybody on the way could read it.
  def self.connect
    server = ENV.fetch("NUTGRAF_SERVER", "localhost:50051")
    credentials = :this_channel_is_insecure
    if ENV["NUTGRAF_CA"]
      credentials = GRPC::Core::ChannelCredentials.new(File.read(ENV["NUTGRAF_CA"]))
      if ENV["NUTGRAF_TOKEN"]
        bearer = ->(_context) { { authorization: "Bearer #{ENV["NUTGRAF_TOKEN"]}" } }
        credentials = credentials.compose(GRPC::Core::CallCredentials.new(bearer))
      end
    end
    V1::SummarizerService::Stub.new(server, credentials)
  end

  # What a span of `text` points to. Spans count code points, and so do Ruby's strings.
  def self.slice(text, span)
    text[span.start...span.end]
  end

  # Why a call failed: the reason in `google.rpc.ErrorInfo` if the server gave one, else the name of gRPC's own error.
  def self.reason_of(error)
    status = error.to_rpc_status
    (status && error_info(status)&.reason) || error.class.name
  end

  # The `google.rpc.ErrorInfo` in a `google.rpc.Status`: of a call that failed, or of one article of a stream.
  def self.error_info(status)
    found = status.details.find { |any| any.is(Google::Rpc::ErrorInfo) }
    found&.unpack(Google::Rpc::ErrorInfo)
  end
end
