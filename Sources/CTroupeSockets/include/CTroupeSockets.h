// The calls of the operating system for sockets that Swift cannot reach itself: epoll, accept4, and what needs
// structures of varying shape. Any thread may call all of these functions. Unless it says otherwise, a function returns
// what the system's call returns, or the negative number of the error (`-errno`).
#ifndef CTROUPE_SOCKETS_H
#define CTROUPE_SOCKETS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Readiness

/// What a descriptor has become ready for.
enum {
  TROUPE_READABLE = 1,
  TROUPE_WRITABLE = 2,
  /// The descriptor has an error, or both sides have ended. It counts as readable and writable too.
  TROUPE_BROKEN = 4,
  /// The peer has ended its side, so a read will say so when all bytes have been read.
  TROUPE_ENDED = 8,
};

/// One descriptor that has become ready, by the number that was given when it was added.
typedef struct {
  uint64_t token;
  uint32_t events;
} troupe_ready;

/// A set of descriptors that one thread at a time waits for. It is opaque.
typedef struct troupe_poller troupe_poller;

/// Makes an empty set. Returns NULL, with errno set, if the system has no room for one.
troupe_poller *troupe_poller_create(void);
/// Frees a set. Nobody may wait in it.
void troupe_poller_destroy(troupe_poller *poller);
/// Adds a descriptor. From now on it is reported each time that it becomes readable or writable, and at once if it is.
int32_t troupe_poller_add(troupe_poller *poller, int32_t descriptor, uint64_t token);
/// Removes a descriptor, which must be done before it is closed. A thread that has been told of it already may still
/// hold its token.
int32_t troupe_poller_remove(troupe_poller *poller, int32_t descriptor);
/// Says that the owner of a descriptor has found that it is not ready for `events`, and wants to hear when it is. A
/// system that reports each change by itself need not do anything.
int32_t troupe_poller_want(troupe_poller *poller, int32_t descriptor, uint32_t events);
/// Whether `troupe_poller_want` does anything.
bool troupe_poller_is_told(void);
/// Waits until a descriptor is ready or `troupe_poller_wake` is called, and writes what is ready. With `block` false it
/// does not wait. Returns the number of descriptors. A call of `troupe_poller_wake` is reported once, by the token
/// UINT64_MAX and no events, to any of the threads that look or wait.
int32_t troupe_poller_wait(troupe_poller *poller, troupe_ready *ready, int32_t capacity, bool block);
/// Has the thread that waits return, or the next one that is about to wait. This call can be made at any time.
void troupe_poller_wake(troupe_poller *poller);

// MARK: Sockets. All of them are made nonblocking and are closed when the program executes another.

/// The address of a socket, in the form of the system.
typedef struct {
  uint32_t length;
  /// Room for an IPv4, IPv6 or Unix-domain address.
  _Alignas(8) uint8_t bytes[128];
} troupe_address;

int32_t troupe_socket_stream(const troupe_address *address);
int32_t troupe_socket_datagram(const troupe_address *address);
int32_t troupe_socket_bind(int32_t descriptor, const troupe_address *address);
int32_t troupe_socket_listen(int32_t descriptor, int32_t backlog);
/// Accepts a connection that waits, and writes the peer's address.
int32_t troupe_socket_accept(int32_t descriptor, troupe_address *peer);
int32_t troupe_socket_connect(int32_t descriptor, const troupe_address *address);
/// Returns the error that the socket has, as a positive number, and clears it; 0 if there is none.
int32_t troupe_socket_error(int32_t descriptor);
int32_t troupe_socket_local(int32_t descriptor, troupe_address *address);
int32_t troupe_socket_peer(int32_t descriptor, troupe_address *address);
int64_t troupe_socket_read(int32_t descriptor, void *bytes, size_t count);
typedef struct {
  const void *bytes;
  size_t count;
} troupe_piece;
/// Writes up to 16 pieces with one call. It raises no SIGPIPE.
int64_t troupe_socket_write(int32_t descriptor, const troupe_piece *pieces, int32_t count);
int64_t troupe_socket_send_to(int32_t descriptor, const void *bytes, size_t count, const troupe_address *address);
int64_t troupe_socket_receive_from(int32_t descriptor, void *bytes, size_t count, troupe_address *address);
/// Ends the sending side.
int32_t troupe_socket_shutdown_write(int32_t descriptor);
int32_t troupe_socket_close(int32_t descriptor);
/// Closes a socket so that the peer is told of an abort (RST).
int32_t troupe_socket_abort(int32_t descriptor);

int32_t troupe_socket_set_no_delay(int32_t descriptor, bool on);
int32_t troupe_socket_set_keep_alive(int32_t descriptor, int32_t idle_seconds);
int32_t troupe_socket_set_reuse_address(int32_t descriptor);
int32_t troupe_socket_set_ipv6_only(int32_t descriptor, bool on);
int32_t troupe_socket_set_buffers(int32_t descriptor, int32_t receive, int32_t send);
/// Sets the number of files that this process may open to the largest that it may set itself. Returns that number.
int64_t troupe_raise_file_limit(void);

// MARK: Addresses

/// Makes an address from a number such as 127.0.0.1, ::1 or fe80::1%eth0. Returns false if the text is none.
bool troupe_address_of_number(const char *text, uint16_t port, troupe_address *address);
/// Makes the address of a Unix-domain socket. Returns false if the path is too long.
bool troupe_address_of_path(const char *path, troupe_address *address);
/// Asks the resolver for the addresses of a name; may take long. Returns their number, or -1 and a message of the
/// resolver, which need not be freed.
int32_t troupe_resolve(
  const char *name, uint16_t port, troupe_address *addresses, int32_t capacity, const char **message);
/// Writes the address in words: the number or the path. An IPv4 address in the form of IPv6 is written as IPv4. Returns
/// the port, or -1 if it is a Unix-domain address.
int32_t troupe_address_text(const troupe_address *address, char *text, size_t capacity);
bool troupe_address_is_ipv6(const troupe_address *address);
/// Gives an IPv4 address the form in which a socket of IPv6 takes it. Leaves any other as it is.
void troupe_address_map_to_ipv6(troupe_address *address);

/// The name and the text of an error, such as `ECONNREFUSED`; the name is NULL if it is not known.
const char *troupe_error_name(int32_t error);
void troupe_error_text(int32_t error, char *text, size_t capacity);

/// The numbers of the errors that are looked for.
static inline int32_t troupe_error_would_block(void) { return EAGAIN; }
static inline int32_t troupe_error_interrupted(void) { return EINTR; }
static inline int32_t troupe_error_aborted(void) { return ECONNABORTED; }
static inline int32_t troupe_error_refused(void) { return ECONNREFUSED; }
static inline int32_t troupe_error_in_progress(void) { return EINPROGRESS; }
static inline int32_t troupe_error_no_family(void) { return EAFNOSUPPORT; }
/// Whether an error of sending a datagram means that this one is lost, and not that it can never be sent.
bool troupe_error_loses_datagram(int32_t error);
static inline int32_t troupe_error_reset(void) { return ECONNRESET; }
static inline int32_t troupe_error_pipe(void) { return EPIPE; }
/// Removes the file of a Unix-domain socket, and nothing else.
int32_t troupe_remove_socket_file(const char *path);

/// Returns the offset of the first byte of that value, or -1.
ptrdiff_t troupe_find_byte(const void *bytes, uint8_t byte, size_t count);

#ifdef __cplusplus
}
#endif
#endif
