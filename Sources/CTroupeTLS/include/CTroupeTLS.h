// TLS by OpenSSL over memory: what OpenSSL reads comes from a function, and what it writes is kept until it is taken.
// The functions are there only with the trait TLS.
#ifndef CTROUPE_TLS_H
#define CTROUPE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What connections of one configuration share. Any thread may use it.
typedef struct troupe_tls_context troupe_tls_context;

typedef struct {
  bool is_server;
  /// Files in the form PEM, or NULL. Without a file of authorities those of the system are trusted.
  const char *certificate_file;
  const char *key_file;
  const char *authority_file;
  /// The protocols for ALPN, each with its length in one byte before it, the best first.
  const uint8_t *protocols;
  size_t protocols_count;
  /// The oldest version of TLS: 2 or 3, for 1.2 or 1.3.
  int32_t minimum_version;
  bool verifies_peer;
} troupe_tls_settings;

/// Makes a context. Returns NULL, and the reason in words, if a file cannot be used.
troupe_tls_context *troupe_tls_context_create(const troupe_tls_settings *settings, char *reason, size_t capacity);
void troupe_tls_context_free(troupe_tls_context *context);

/// One connection. It is used by one thread at a time.
typedef struct troupe_tls troupe_tls;

/// Reads bytes of the socket: returns their number, 0 at the end of the stream, or the negative number of an error,
/// or TROUPE_TLS_WAIT.
typedef int64_t (*troupe_tls_source)(void *owner, void *bytes, size_t count);

enum {
  /// Nothing can be done before the socket has more bytes.
  TROUPE_TLS_WAIT = -1000001,
  /// The connection cannot go on; `troupe_tls_reason` says why.
  TROUPE_TLS_FAILED = -1000002,
};

/// Makes a connection. A client gives the name of the server, or its address if `is_address`; NULL for no check of it.
/// Returns NULL if there is no memory.
troupe_tls *troupe_tls_create(
  troupe_tls_context *context, const char *name, bool is_address, troupe_tls_source source, void *owner);
void troupe_tls_free(troupe_tls *tls);

/// Goes on with the handshake. Returns 1 when it is done, TROUPE_TLS_WAIT or TROUPE_TLS_FAILED.
int64_t troupe_tls_handshake(troupe_tls *tls);
/// Reads up to `count` bytes. Returns their number, 0 when the peer has ended its side in the way of TLS,
/// TROUPE_TLS_WAIT or TROUPE_TLS_FAILED.
int64_t troupe_tls_read(troupe_tls *tls, void *bytes, size_t count);
/// Encrypts all of the bytes. Returns their number or TROUPE_TLS_FAILED.
int64_t troupe_tls_write(troupe_tls *tls, const void *bytes, size_t count);
/// Tells the peer that this side ends (close_notify). It has no effect the second time.
void troupe_tls_end_output(troupe_tls *tls);

/// The bytes that are to be sent to the peer.
const void *troupe_tls_output(troupe_tls *tls, size_t *count);
/// Removes bytes from the front of the output, which have been sent.
void troupe_tls_output_sent(troupe_tls *tls, size_t count);

/// Why the last call failed. Returns the error that `source` returned, as a negative number; 1 if the stream had ended
/// there; or 0 and the reason in words.
int64_t troupe_tls_reason(troupe_tls *tls, char *reason, size_t capacity);
/// Returns the number of bytes of the protocol that both sides have agreed on by ALPN, and where they are.
size_t troupe_tls_protocol(troupe_tls *tls, const uint8_t **name);
/// The version in words, such as TLSv1.3.
const char *troupe_tls_version(troupe_tls *tls);

#ifdef __cplusplus
}
#endif
#endif
