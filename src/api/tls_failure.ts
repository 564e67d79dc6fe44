// What a broken TLS handshake means to whoever runs the client.

const REMEDIES: readonly (readonly [cause: RegExp, remedy: string])[] = [
  [
    /self[-_ ]signed|UNABLE_TO_(VERIFY_LEAF|GET_ISSUER)|unable to (verify the first|get (local )?issuer)/i,
    "its certificate comes from a root that is not trusted here; name that root with tls.ca_file",
  ],
  [
    /ALTNAME_INVALID|does not match certificate/i,
    "its certificate is for another host; correct the endpoint, or set tls.server_name_override to a name in the certificate",
  ],
  [
    /CERT_HAS_EXPIRED|certificate has expired/i,
    "its certificate has expired; renew it there, and check the clock here",
  ],
  [/CERT_NOT_YET_VALID|not yet valid/i, "its certificate is not valid yet; check the clocks there and here"],
  [/CERT_(SIGNATURE_FAILURE|REVOKED)/i, "its certificate is damaged or revoked; renew it there"],
  [/EE_KEY_TOO_SMALL|CA_MD_TOO_WEAK|_TOO_(SMALL|WEAK)/i, "its certificate is too weak to be trusted; renew it there"],
  [/certificate[_ ]required/i, "it wants a certificate from its clients; give one with tls.cert_file and tls.key_file"],
  [
    /alert[_ ](unknown[_ ]ca|(bad|unsupported)[_ ]certificate|certificate)|decrypt[_ ]error/i,
    "it refuses the certificate of tls.cert_file: expired, or from a root that it does not trust",
  ],
  [
    /(alert[_ ]|unsupported[_ ])protocol([_ ]version)?/i,
    "it speaks another version of TLS; see tls.min_version and tls.max_version",
  ],
  [
    /handshake[_ ]failure|no[_ ](shared[_ ]cipher|ciphers[_ ]available)/i,
    "no cipher suite is known to both (tls.cipher_suites), or it wants a certificate from its clients (tls.cert_file)",
  ],
];

/** Cause and remedy of a client's failure, from the code or the message of its error; undefined when it is not about TLS. */
export function tlsRemedy(error: string): string | undefined {
  return REMEDIES.find(([cause]) => cause.test(error))?.[1];
}
