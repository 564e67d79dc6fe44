// The words that OpenSSL and Node have for a failed handshake, and what a user is told.
import assert from "node:assert/strict";
import test from "node:test";
import { tlsRemedy } from "vedette";

const TABLE: readonly (readonly [error: string, remedy: RegExp])[] = [
  ["SELF_SIGNED_CERT_IN_CHAIN self-signed certificate in certificate chain", /tls\.ca_file/],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", /tls\.ca_file/],
  ["Error: unable to verify the first certificate", /tls\.ca_file/],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", /tls\.ca_file/],
  ["ERR_TLS_CERT_ALTNAME_INVALID", /another host/],
  ["Hostname/IP does not match certificate's altnames: Host: a. is not in the cert's altnames: DNS:b", /another host/],
  ["CERT_HAS_EXPIRED certificate has expired", /has expired/],
  ["CERT_NOT_YET_VALID", /not valid yet/],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", /wants a certificate from its clients; give one/],
  [
    "SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:rec_layer_s3.c:918",
    /wants a certificate from its clients/,
  ],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", /refuses the certificate of tls\.cert_file/],
  [
    "SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:rec_layer_s3.c:918",
    /refuses the certificate of tls\.cert_file/,
  ],
  ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED", /refuses the certificate of tls\.cert_file/],
  ["ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE", /refuses the certificate of tls\.cert_file/],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", /tls\.min_version/],
  ["SSL routines:ssl_choose_client_version:unsupported protocol", /tls\.min_version/],
  ["EPROTO ssl3_read_bytes:ssl/tls alert handshake failure", /tls\.cipher_suites/],
];

test("each failure is told with what to do about it", () => {
  for (const [error, remedy] of TABLE) assert.match(tlsRemedy(error) ?? "", remedy, error);
});

test("failures that are not about certificates are left to others", () => {
  for (const error of ["ECONNREFUSED connect", "ECONNRESET read", "EPROTO ssl3_get_record:wrong version number"]) {
    assert.equal(tlsRemedy(error), undefined, error);
  }
});
