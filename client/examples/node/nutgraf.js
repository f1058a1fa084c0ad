// What the programs here share: a connection to a nutgraf server, and how to read what it says.
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const { loadSync } = require("@grpc/proto-loader");
const googleProtos = require("google-proto-files");

const definition = loadSync(["nutgraf/v1/summarizer.proto", "google/rpc/error_details.proto"], {
  includeDirs: [path.join(__dirname, "../../../protos"), googleProtos.getProtoPath("..")],
  enums: String,
  defaults: true,
  oneofs: true,
});

// A client of the server at NUTGRAF_SERVER: by TLS if NUTGRAF_CA names a file of certificates to trust, and with the
// token in NUTGRAF_TOKEN if there is one. gRPC sends a token by TLS only.
function connect() {
  const { NUTGRAF_SERVER = "localhost:50051", NUTGRAF_CA, NUTGRAF_TOKEN } = process.env;
  let credentials = NUTGRAF_CA
    ? grpc.credentials.createSsl(fs.readFileSync(NUTGRAF_CA))
    : grpc.credentials.createInsecure();
  if (NUTGRAF_TOKEN) {
    const bearer = grpc.credentials.createFromMetadataGenerator((_, callback) => {
      const metadata = new grpc.Metadata();
      metadata.set("authorization", `Bearer ${NUTGRAF_TOKEN}`);
      callback(null, metadata);
    });
    credentials = grpc.credentials.combineChannelCredentials(credentials, bearer);
  }
  const { SummarizerService } = grpc.loadPackageDefinition(definition).nutgraf.v1;
  return new SummarizerService(NUTGRAF_SERVER, credentials);
}

// What spans of `text` point to. Spans count code points, JavaScript's strings UTF-16 units: an emoji is one of the
// former and two of the latter. So the text is taken apart into code points once, and each span is cut out of those.
function slicer(text) {
  const points = Array.from(text);
  return ({ start, end }) => points.slice(start, end).join("");
}

// Why a call failed: the reason in `google.rpc.ErrorInfo` if the server gave one, else the name of gRPC's own code.
function reasonOf(error) {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const status = bytes && definition["google.rpc.Status"].deserialize(bytes);
  return (status && errorInfo(status)?.reason) || grpc.status[error.code];
}

// The `google.rpc.ErrorInfo` in a `google.rpc.Status`: of a call that failed, or of one article of a stream.
function errorInfo(status) {
  const found = status.details.find((any) => any.type_url.endsWith("/google.rpc.ErrorInfo"));
  return found && definition["google.rpc.ErrorInfo"].deserialize(found.value);
}

module.exports = { connect, slicer, reasonOf, errorInfo };
