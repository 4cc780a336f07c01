#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CTroupeSockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(sizeof(struct sockaddr_un) <= 128, "an address has to fit");

static int32_t result(int value) { return value < 0 ? -errno : value; }
static const struct sockaddr *of(const troupe_address *address) { return (const struct sockaddr *)address->bytes; }

static int32_t prepared(int descriptor) {
  if (descriptor < 0) return -errno;
#if !defined(SOCK_NONBLOCK)
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
#endif
#if defined(SO_NOSIGPIPE)
  int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return descriptor;
}

#if defined(SOCK_NONBLOCK)
enum { FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };
#else
enum { FLAGS = 0 };
#endif

int32_t troupe_socket_stream(const troupe_address *address) {
  return prepared(socket(of(address)->sa_family, SOCK_STREAM | FLAGS, 0));
}
int32_t troupe_socket_datagram(const troupe_address *address) {
  return prepared(socket(of(address)->sa_family, SOCK_DGRAM | FLAGS, 0));
}
int32_t troupe_socket_bind(int32_t descriptor, const troupe_address *address) {
  return result(bind(descriptor, of(address), address->length));
}
int32_t troupe_socket_listen(int32_t descriptor, int32_t backlog) { return result(listen(descriptor, backlog)); }

int32_t troupe_socket_accept(int32_t descriptor, troupe_address *peer) {
  socklen_t length = sizeof peer->bytes;
  memset(peer, 0, sizeof *peer);
#if defined(SOCK_NONBLOCK)
  int accepted = accept4(descriptor, (struct sockaddr *)peer->bytes, &length, FLAGS);
#else
  int accepted = accept(descriptor, (struct sockaddr *)peer->bytes, &length);
#endif
  peer->length = length;
  return prepared(accepted);
}

int32_t troupe_socket_connect(int32_t descriptor, const troupe_address *address) {
  return result(connect(descriptor, of(address), address->length));
}

int32_t troupe_socket_error(int32_t descriptor) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

int32_t troupe_socket_local(int32_t descriptor, troupe_address *address) {
  socklen_t length = sizeof address->bytes;
  memset(address, 0, sizeof *address);
  int value = getsockname(descriptor, (struct sockaddr *)address->bytes, &length);
  address->length = length;
  return result(value);
}
int32_t troupe_socket_peer(int32_t descriptor, troupe_address *address) {
  socklen_t length = sizeof address->bytes;
  memset(address, 0, sizeof *address);
  int value = getpeername(descriptor, (struct sockaddr *)address->bytes, &length);
  address->length = length;
  return result(value);
}

int64_t troupe_socket_read(int32_t descriptor, void *bytes, size_t count) {
  ssize_t value = recv(descriptor, bytes, count, 0);
  return value < 0 ? -errno : value;
}

#if defined(MSG_NOSIGNAL)
enum { NO_SIGNAL = MSG_NOSIGNAL };
#else
enum { NO_SIGNAL = 0 };
#endif

int64_t troupe_socket_write(int32_t descriptor, const troupe_piece *pieces, int32_t count) {
  ssize_t value;
  if (count == 1) {
    value = send(descriptor, pieces[0].bytes, pieces[0].count, NO_SIGNAL);
  } else {
    struct iovec vectors[16];
    if (count > 16) count = 16;
    for (int32_t i = 0; i < count; i++) {
      vectors[i].iov_base = (void *)pieces[i].bytes;
      vectors[i].iov_len = pieces[i].count;
    }
    // This is a writev that can be told not to raise SIGPIPE.
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = (size_t)count};
    value = sendmsg(descriptor, &message, NO_SIGNAL);
  }
  return value < 0 ? -errno : value;
}

int64_t troupe_socket_send_to(int32_t descriptor, const void *bytes, size_t count, const troupe_address *address) {
  ssize_t value = sendto(descriptor, bytes, count, NO_SIGNAL, of(address), address->length);
  return value < 0 ? -errno : value;
}
int64_t troupe_socket_receive_from(int32_t descriptor, void *bytes, size_t count, troupe_address *address) {
  socklen_t length = sizeof address->bytes;
  memset(address, 0, sizeof *address);
  ssize_t value = recvfrom(descriptor, bytes, count, 0, (struct sockaddr *)address->bytes, &length);
  address->length = length;
  return value < 0 ? -errno : value;
}

int32_t troupe_socket_shutdown_write(int32_t descriptor) { return result(shutdown(descriptor, SHUT_WR)); }
int32_t troupe_socket_close(int32_t descriptor) { return result(close(descriptor)); }
int32_t troupe_socket_abort(int32_t descriptor) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  return result(close(descriptor));
}

static int32_t set(int descriptor, int level, int name, int value) {
  return result(setsockopt(descriptor, level, name, &value, sizeof value));
}
int32_t troupe_socket_set_no_delay(int32_t descriptor, bool on) {
  return set(descriptor, IPPROTO_TCP, TCP_NODELAY, on);
}
int32_t troupe_socket_set_keep_alive(int32_t descriptor, int32_t idle_seconds) {
  int32_t value = set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (value < 0) return value;
#if defined(TCP_KEEPIDLE)
  return set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, idle_seconds);
#else
  return set(descriptor, IPPROTO_TCP, TCP_KEEPALIVE, idle_seconds);
#endif
}
int32_t troupe_socket_set_reuse_address(int32_t descriptor) { return set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1); }
int32_t troupe_socket_set_ipv6_only(int32_t descriptor, bool on) {
  return set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, on);
}
int32_t troupe_socket_set_buffers(int32_t descriptor, int32_t receive, int32_t send) {
  int32_t value = 0;
  if (receive > 0) value = set(descriptor, SOL_SOCKET, SO_RCVBUF, receive);
  if (value >= 0 && send > 0) value = set(descriptor, SOL_SOCKET, SO_SNDBUF, send);
  return value;
}

int64_t troupe_raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  }
  return (int64_t)limit.rlim_cur;
}

bool troupe_address_of_number(const char *text, uint16_t port, troupe_address *address) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *four = (struct sockaddr_in *)address->bytes;
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    address->length = sizeof *four;
    return true;
  }
  memset(address, 0, sizeof *address);
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)address->bytes;
  char number[INET6_ADDRSTRLEN];
  size_t length = strcspn(text, "%");
  if (length >= sizeof number) return false;
  memcpy(number, text, length);
  number[length] = 0;
  if (inet_pton(AF_INET6, number, &six->sin6_addr) != 1) return false;
  if (text[length] == '%') {
    const char *zone = text + length + 1;
    six->sin6_scope_id = if_nametoindex(zone);
    if (six->sin6_scope_id == 0) {
      if (zone[strspn(zone, "0123456789")] != 0) return false;
      six->sin6_scope_id = (uint32_t)strtoul(zone, NULL, 10);
    }
    if (six->sin6_scope_id == 0) return false;
  }
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  address->length = sizeof *six;
  return true;
}

void troupe_address_map_to_ipv6(troupe_address *address) {
  if (of(address)->sa_family != AF_INET) return;
  const struct sockaddr_in four = *(const struct sockaddr_in *)address->bytes;
  memset(address, 0, sizeof *address);
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)address->bytes;
  six->sin6_family = AF_INET6;
  six->sin6_port = four.sin_port;
  six->sin6_addr.s6_addr[10] = six->sin6_addr.s6_addr[11] = 0xff;
  memcpy(&six->sin6_addr.s6_addr[12], &four.sin_addr, 4);
  address->length = sizeof *six;
}

bool troupe_address_of_path(const char *path, troupe_address *address) {
  memset(address, 0, sizeof *address);
  struct sockaddr_un *local = (struct sockaddr_un *)address->bytes;
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof local->sun_path) return false;
  local->sun_family = AF_UNIX;
  memcpy(local->sun_path, path, length);
  address->length = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  return true;
}

int32_t troupe_resolve(
  const char *name, uint16_t port, troupe_address *addresses, int32_t capacity, const char **message) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  struct addrinfo *found = NULL;
  char service[8];
  snprintf(service, sizeof service, "%u", (unsigned)port);
  int error = getaddrinfo(name, service, &hints, &found);
  if (error != 0) {
    *message = gai_strerror(error);
    return -1;
  }
  int32_t count = 0;
  for (struct addrinfo *each = found; each != NULL && count < capacity; each = each->ai_next) {
    if (each->ai_addrlen > sizeof addresses->bytes) continue;
    memset(&addresses[count], 0, sizeof *addresses);
    memcpy(addresses[count].bytes, each->ai_addr, each->ai_addrlen);
    addresses[count].length = (uint32_t)each->ai_addrlen;
    count++;
  }
  freeaddrinfo(found);
  return count;
}

int32_t troupe_address_text(const troupe_address *address, char *text, size_t capacity) {
  text[0] = 0;
  switch (of(address)->sa_family) {
  case AF_INET: {
    const struct sockaddr_in *four = (const struct sockaddr_in *)address->bytes;
    inet_ntop(AF_INET, &four->sin_addr, text, (socklen_t)capacity);
    return ntohs(four->sin_port);
  }
  case AF_INET6: {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address->bytes;
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
      inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], text, (socklen_t)capacity);
      return ntohs(six->sin6_port);
    }
    inet_ntop(AF_INET6, &six->sin6_addr, text, (socklen_t)capacity);
    if (six->sin6_scope_id != 0) {
      char zone[IF_NAMESIZE];
      if (if_indextoname(six->sin6_scope_id, zone) == NULL) {
        snprintf(zone, sizeof zone, "%u", (unsigned)six->sin6_scope_id);
      }
      size_t length = strlen(text);
      snprintf(text + length, capacity - length, "%%%s", zone);
    }
    return ntohs(six->sin6_port);
  }
  case AF_UNIX: {
    const struct sockaddr_un *local = (const struct sockaddr_un *)address->bytes;
    if (address->length > offsetof(struct sockaddr_un, sun_path)) {
      snprintf(text, capacity, "%s", local->sun_path);
    }
    return -1;
  }
  default: return -1;
  }
}
bool troupe_address_is_ipv6(const troupe_address *address) { return of(address)->sa_family == AF_INET6; }

const char *troupe_error_name(int32_t error) {
  switch (error) {
#define NAME(name) case name: return #name
  NAME(EACCES); NAME(EADDRINUSE); NAME(EADDRNOTAVAIL); NAME(EAFNOSUPPORT); NAME(EAGAIN); NAME(EBADF);
  NAME(ECONNABORTED); NAME(ECONNREFUSED); NAME(ECONNRESET); NAME(EHOSTUNREACH); NAME(EINTR); NAME(EINVAL);
  NAME(EIO); NAME(EISCONN); NAME(EMFILE); NAME(EMSGSIZE); NAME(ENETDOWN); NAME(ENETUNREACH); NAME(ENFILE);
  NAME(ENOBUFS); NAME(ENOENT); NAME(ENOMEM); NAME(ENOTCONN); NAME(ENOTDIR); NAME(ENOTSOCK); NAME(EPERM);
  NAME(EPIPE); NAME(EPROTO); NAME(EROFS); NAME(ETIMEDOUT);
#undef NAME
  default: return NULL;
  }
}

void troupe_error_text(int32_t error, char *text, size_t capacity) {
  snprintf(text, capacity, "error %d", (int)error);
#if defined(__GLIBC__)
  char buffer[128];
  const char *found = strerror_r(error, buffer, sizeof buffer);
  snprintf(text, capacity, "%s", found);
#else
  strerror_r(error, text, capacity);
#endif
}

bool troupe_error_loses_datagram(int32_t error) {
  switch (error) {
  case EAGAIN: case ENOBUFS: case ECONNREFUSED: case ENETUNREACH: case EHOSTUNREACH: case ENETDOWN: case EPERM:
    return true;
  default: return false;
  }
}

int32_t troupe_remove_socket_file(const char *path) {
  struct stat status;
  if (lstat(path, &status) < 0) return -errno;
  if (!S_ISSOCK(status.st_mode)) return -EINVAL;
  return result(unlink(path));
}

ptrdiff_t troupe_find_byte(const void *bytes, uint8_t byte, size_t count) {
  const uint8_t *found = memchr(bytes, byte, count);
  return found == NULL ? -1 : found - (const uint8_t *)bytes;
}
