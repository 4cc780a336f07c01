#ifdef TROUPE_TLS

#include "CTroupeTLS.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct troupe_tls_context {
  SSL_CTX *ssl;
  BIO_METHOD *method;
  bool is_server;
  uint8_t *protocols;
  size_t protocols_count;
};

struct troupe_tls {
  SSL *ssl;
  troupe_tls_source source;
  void *owner;
  // What is to be sent: the bytes from `start` to `end`. There is memory only while there are bytes.
  uint8_t *output;
  size_t start, end, capacity;
  // What the source returned that is the reason of a failure: an error, or 1 for the end of the stream; 0 for neither.
  int64_t source_end;
  // The error of OpenSSL with which the last call failed.
  unsigned long error;
  bool has_failed, has_ended;
};

// The socket, as OpenSSL sees it.

static int socket_read(BIO *bio, char *bytes, int count) {
  troupe_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  int64_t result = tls->source(tls->owner, bytes, (size_t)count);
  if (result > 0) return (int)result;
  if (result == TROUPE_TLS_WAIT) {
    BIO_set_retry_read(bio);
    return -1;
  }
  tls->source_end = result == 0 ? 1 : result;
  return result == 0 ? 0 : -1;
}

static int socket_write(BIO *bio, const char *bytes, int count) {
  troupe_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  if (tls->capacity - tls->end < (size_t)count) {
    size_t used = tls->end - tls->start;
    size_t capacity = used + (size_t)count > 2 * tls->capacity ? used + (size_t)count : 2 * tls->capacity;
    if (capacity < 1024) capacity = 1024;
    uint8_t *grown = malloc(capacity);
    if (!grown) return -1;
    if (used) memcpy(grown, tls->output + tls->start, used);
    free(tls->output);
    tls->output = grown;
    tls->start = 0;
    tls->end = used;
    tls->capacity = capacity;
  }
  memcpy(tls->output + tls->end, bytes, (size_t)count);
  tls->end += (size_t)count;
  return count;
}

static long socket_control(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  switch (command) {
  case BIO_CTRL_FLUSH: return 1;
  case BIO_CTRL_EOF: return ((troupe_tls *)BIO_get_data(bio))->source_end == 1;
  default: return 0;
  }
}

static int socket_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// Contexts

static void say(char *text, size_t capacity, const char *what, const char *file) {
  unsigned long error = ERR_peek_error();
  const char *reason = error ? ERR_reason_error_string(error) : NULL;
  char number[32];
  if (!reason) {
    // The errors of the system have no text in OpenSSL 3.
    if (error && ERR_SYSTEM_ERROR(error)) {
      reason = strerror(ERR_GET_REASON(error));
    } else {
      snprintf(number, sizeof number, "error %lx", error);
      reason = number;
    }
  }
  if (file) {
    snprintf(text, capacity, "%s %s cannot be used: %s", what, file, reason);
  } else {
    snprintf(text, capacity, "%s: %s", what, reason);
  }
}

static int choose_protocol(
  SSL *ssl, const unsigned char **out, unsigned char *out_count, const unsigned char *offered, unsigned offered_count,
  void *argument
) {
  (void)ssl;
  troupe_tls_context *context = argument;
  unsigned char *chosen;
  int result = SSL_select_next_proto(
    &chosen, out_count, context->protocols, (unsigned)context->protocols_count, offered, offered_count);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Otherwise OpenSSL asks at the terminal for the password of a key.
static int no_password(char *text, int capacity, int writes, void *argument) {
  (void)text;
  (void)capacity;
  (void)writes;
  (void)argument;
  return -1;
}

static bool configure(troupe_tls_context *context, const troupe_tls_settings *settings, char *text, size_t capacity) {
  SSL_CTX *ssl = context->ssl;
  SSL_CTX_set_min_proto_version(ssl, settings->minimum_version >= 3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // A renegotiation would need input in order to write, and nobody asks for one.
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  // Otherwise each record costs two calls of the system.
  SSL_CTX_set_read_ahead(ssl, 1);
  SSL_CTX_set_default_passwd_cb(ssl, no_password);
  const char *key = settings->key_file ? settings->key_file : settings->certificate_file;
  if (settings->certificate_file) {
    if (SSL_CTX_use_certificate_chain_file(ssl, settings->certificate_file) != 1) {
      say(text, capacity, "the certificate", settings->certificate_file);
      return false;
    }
    if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ssl) != 1) {
      say(text, capacity, "the private key", key);
      return false;
    }
  }
  if (settings->protocols_count > 0) {
    context->protocols = malloc(settings->protocols_count);
    if (!context->protocols) return false;
    memcpy(context->protocols, settings->protocols, settings->protocols_count);
    context->protocols_count = settings->protocols_count;
    if (settings->is_server) {
      SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, context);
    } else if (SSL_CTX_set_alpn_protos(ssl, context->protocols, (unsigned)context->protocols_count) != 0) {
      say(text, capacity, "the protocols for ALPN cannot be used", NULL);
      return false;
    }
  }
  if (settings->is_server) return true;
  if (!settings->verifies_peer) {
    SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    return true;
  }
  SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
  if (settings->authority_file) {
    if (SSL_CTX_load_verify_file(ssl, settings->authority_file) != 1) {
      say(text, capacity, "the certificates of authorities in", settings->authority_file);
      return false;
    }
  } else if (SSL_CTX_set_default_verify_paths(ssl) != 1) {
    say(text, capacity, "the certificates of the system cannot be used", NULL);
    return false;
  }
  return true;
}

troupe_tls_context *troupe_tls_context_create(const troupe_tls_settings *settings, char *reason, size_t capacity) {
  snprintf(reason, capacity, "there is no memory");
  troupe_tls_context *context = calloc(1, sizeof *context);
  if (!context) return NULL;
  ERR_clear_error();
  context->is_server = settings->is_server;
  context->ssl = SSL_CTX_new(settings->is_server ? TLS_server_method() : TLS_client_method());
  context->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "troupe");
  bool is_good = context->ssl && context->method;
  if (is_good) {
    BIO_meth_set_read(context->method, socket_read);
    BIO_meth_set_write(context->method, socket_write);
    BIO_meth_set_ctrl(context->method, socket_control);
    BIO_meth_set_create(context->method, socket_create);
    is_good = configure(context, settings, reason, capacity);
  }
  ERR_clear_error();
  if (is_good) return context;
  troupe_tls_context_free(context);
  return NULL;
}

void troupe_tls_context_free(troupe_tls_context *context) {
  SSL_CTX_free(context->ssl);
  BIO_meth_free(context->method);
  free(context->protocols);
  free(context);
}

// Connections

troupe_tls *troupe_tls_create(
  troupe_tls_context *context, const char *name, bool is_address, troupe_tls_source source, void *owner
) {
  troupe_tls *tls = calloc(1, sizeof *tls);
  if (!tls) return NULL;
  ERR_clear_error();
  tls->source = source;
  tls->owner = owner;
  tls->ssl = SSL_new(context->ssl);
  BIO *bio = tls->ssl ? BIO_new(context->method) : NULL;
  bool is_good = bio != NULL;
  if (is_good) {
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    if (context->is_server) SSL_set_accept_state(tls->ssl); else SSL_set_connect_state(tls->ssl);
    if (name && is_address) {
      is_good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), name) == 1;
    } else if (name) {
      SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      is_good = SSL_set1_host(tls->ssl, name) == 1 && SSL_set_tlsext_host_name(tls->ssl, name) == 1;
    }
  }
  if (is_good) return tls;
  troupe_tls_free(tls);
  return NULL;
}

void troupe_tls_free(troupe_tls *tls) {
  SSL_free(tls->ssl);
  free(tls->output);
  free(tls);
}

// What a call of OpenSSL has returned that did not succeed.
static int64_t outcome(troupe_tls *tls, int result) {
  switch (SSL_get_error(tls->ssl, result)) {
  case SSL_ERROR_WANT_READ: return TROUPE_TLS_WAIT;
  case SSL_ERROR_ZERO_RETURN: return 0;
  default:
    tls->error = ERR_peek_error();
    tls->has_failed = true;
    ERR_clear_error();
    return TROUPE_TLS_FAILED;
  }
}

int64_t troupe_tls_handshake(troupe_tls *tls) {
  ERR_clear_error();
  int result = SSL_do_handshake(tls->ssl);
  if (result == 1) return 1;
  int64_t said = outcome(tls, result);
  if (said != 0) return said;
  // The peer has ended its side in the middle of the handshake.
  tls->source_end = 1;
  tls->has_failed = true;
  return TROUPE_TLS_FAILED;
}

int64_t troupe_tls_read(troupe_tls *tls, void *bytes, size_t count) {
  if (tls->has_failed) return TROUPE_TLS_FAILED;
  ERR_clear_error();
  int result = SSL_read(tls->ssl, bytes, count > 1 << 30 ? 1 << 30 : (int)count);
  return result > 0 ? result : outcome(tls, result);
}

int64_t troupe_tls_write(troupe_tls *tls, const void *bytes, size_t count) {
  if (tls->has_failed) return TROUPE_TLS_FAILED;
  size_t written = 0;
  ERR_clear_error();
  if (SSL_write_ex(tls->ssl, bytes, count, &written) == 1) return (int64_t)written;
  outcome(tls, 0);
  // Writing waits for nothing.
  tls->has_failed = true;
  return TROUPE_TLS_FAILED;
}

void troupe_tls_end_output(troupe_tls *tls) {
  if (tls->has_failed || tls->has_ended || SSL_in_init(tls->ssl)) return;
  tls->has_ended = true;
  ERR_clear_error();
  SSL_shutdown(tls->ssl);
  ERR_clear_error();
}

const void *troupe_tls_output(troupe_tls *tls, size_t *count) {
  *count = tls->end - tls->start;
  return tls->output + tls->start;
}

void troupe_tls_output_sent(troupe_tls *tls, size_t count) {
  tls->start += count;
  if (tls->start < tls->end) return;
  free(tls->output);
  tls->output = NULL;
  tls->start = tls->end = tls->capacity = 0;
}

int64_t troupe_tls_reason(troupe_tls *tls, char *reason, size_t capacity) {
  if (tls->source_end != 0) return tls->source_end;
  unsigned long error = tls->error;
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    long verdict = SSL_get_verify_result(tls->ssl);
    snprintf(reason, capacity, "the certificate of the peer is refused: %s", X509_verify_cert_error_string(verdict));
    return 0;
  }
  const char *text = error ? ERR_reason_error_string(error) : NULL;
  snprintf(reason, capacity, "%s", text ? text : "OpenSSL gives no reason");
  return 0;
}

size_t troupe_tls_protocol(troupe_tls *tls, const uint8_t **name) {
  unsigned count = 0;
  SSL_get0_alpn_selected(tls->ssl, name, &count);
  return count;
}

const char *troupe_tls_version(troupe_tls *tls) { return SSL_get_version(tls->ssl); }

#endif
