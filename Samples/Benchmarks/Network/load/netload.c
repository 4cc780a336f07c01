// The load of the network benchmarks: one thread, one epoll set. Linux.
//
//   netload echo --port P --connections N --seconds S --size B [--pipeline K]
//       N connections; each sends K messages of B bytes, waits until all have come back, checks them, and goes on.
//       Prints "requests_per_second p50_us p99_us p999_us"; a latency is from the write to the last byte of the K.
//   netload open --port P --seconds S --concurrency C
//       C at a time: opens a connection, one round trip of one byte, closes. Prints "connections_per_second".
//   netload idle --port P --connections N
//       Opens N connections, one round trip of one byte on each, so that the server has seen them all. Prints
//       "ready N", and holds them until standard input ends.
//   netload beside --port P --seconds S --work M
//       One connection asks for M milliseconds of work, and half a millisecond later another one for none, again and
//       again. Prints "p50_us p99_us" of the latency of the second. The server works for as many milliseconds as the
//       one byte of a message says, and then sends the byte back.
//
// For all but `beside` the server is an echo server. It is on 127.0.0.1. Any error, a wrong byte or a close by the
// server ends the program with status 1 and a line that says what happened. The first fifth of a second of `echo`, and
// the first ten rounds of `beside`, are not counted.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long port, connections, size = 64, pipeline = 1, concurrency = 50, work = 5;
static double seconds = 2;
static const uint64_t patience = 20000000000u; // nanoseconds

static _Noreturn void fail(const char *format, ...) {
  va_list list;
  va_start(list, format);
  fputs("netload: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  exit(1);
}
static _Noreturn void fail_errno(const char *call) { fail("%s: %s", call, strerror(errno)); }

static uint64_t now(void) { // nanoseconds
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// ---------------------------------------------------------------- latencies
// 128 buckets for each power of two: a figure is at most 0.8 % too low.
enum { sub_bits = 7, sub = 1 << sub_bits, buckets = (64 - sub_bits) * sub };
static uint64_t histogram[buckets], counted;

static void count_latency(uint64_t ns) {
  unsigned shift = ns < 2 * sub ? 0 : 63 - (unsigned)__builtin_clzll(ns) - sub_bits;
  histogram[shift * sub + (ns >> shift)]++;
  counted++;
}
static double percentile(double part) { // microseconds
  uint64_t wanted = (uint64_t)(part * (double)counted), seen = 0;
  for (unsigned i = 0; i < buckets; i++) {
    seen += histogram[i];
    if (seen > wanted) {
      unsigned shift = i < 2 * sub ? 0 : i / sub - 1;
      return (double)((uint64_t)(i - shift * sub) << shift) / 1000;
    }
  }
  return 0;
}

// ---------------------------------------------------------------- connections
struct connection {
  int fd;
  long sent, received; // of the bytes that are under way
  uint64_t since;
  uint8_t mark; // changes with each round, so that an old answer is not taken for a new one
};
static int set;
static char *block, *answer; // what is sent, but for its first byte; what comes back
static long block_size;

// Another source address after each 10,000 connections: a closed one holds its port for a minute, and Linux looks for a
// port of this end among 14,000 first, then much longer.
static int open_connection(unsigned long serial) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  if (fd < 0) fail_errno("socket");
  unsigned long host = 2 + serial / 10000 % 60000;
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u + (uint32_t)host)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001u)};
  to.sin_port = htons((uint16_t)port);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail_errno("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) fail_errno("connect");
  return fd;
}
static void watch(struct connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(set, operation, c->fd, &event) < 0) fail_errno("epoll_ctl");
}
static int wait_for(struct epoll_event *events, int most, uint64_t deadline) {
  for (;;) {
    uint64_t t = now();
    int count = epoll_wait(set, events, most, t < deadline ? (int)((deadline - t) / 1000000) + 1 : 0);
    if (count >= 0) return count;
    if (errno != EINTR) fail_errno("epoll_wait");
  }
}

// Sends what it can of the round. Waits for room only if the socket has none.
static void send_some(struct connection *c) {
  while (c->sent < block_size) {
    ssize_t n;
    if (c->sent == 0) {
      char first[16384];
      long length = block_size < (long)sizeof first ? block_size : (long)sizeof first;
      memcpy(first, block, (size_t)length);
      first[0] = (char)c->mark;
      n = send(c->fd, first, (size_t)length, MSG_NOSIGNAL);
    } else {
      n = send(c->fd, block + c->sent, (size_t)(block_size - c->sent), MSG_NOSIGNAL);
    }
    if (n >= 0) {
      c->sent += n;
    } else if (errno == EAGAIN) {
      watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
      return;
    } else {
      fail_errno("send");
    }
  }
}
static void start_round(struct connection *c) {
  c->sent = c->received = 0;
  c->mark++;
  c->since = now();
  send_some(c);
}
// Returns true when the round is over. One `recv` for each event: the set is level-triggered.
static int receive_some(struct connection *c) {
  ssize_t n = recv(c->fd, answer, (size_t)(block_size - c->received), 0);
  if (n == 0) fail("the server closed a connection after %ld of %ld bytes", c->received, block_size);
  if (n < 0) {
    if (errno == EAGAIN) return 0;
    fail_errno("recv");
  }
  long skip = 0;
  if (c->received == 0) {
    if ((uint8_t)answer[0] != c->mark) fail("an answer starts with %d, not %d", (uint8_t)answer[0], c->mark);
    skip = 1;
  }
  if (memcmp(answer + skip, block + c->received + skip, (size_t)(n - skip)) != 0) fail("an answer has a wrong byte");
  c->received += n;
  if (c->received > c->sent) fail("the server answered more than it was sent");
  return c->received == block_size;
}

// ---------------------------------------------------------------- open, then hold or exchange
// Opens all connections, 64 at a time, with one round trip on each.
static struct connection *open_all(void) {
  struct connection *all = calloc((size_t)connections, sizeof *all);
  struct epoll_event events[64];
  if (!all) fail_errno("calloc");
  for (long first = 0; first < connections; first += 64) {
    long last = first + 64 < connections ? first + 64 : connections;
    for (long i = first; i < last; i++) {
      all[i].fd = open_connection((unsigned long)i);
      watch(&all[i], EPOLL_CTL_ADD, EPOLLOUT);
    }
    uint64_t deadline = now() + patience;
    for (long left = last - first; left > 0;) {
      int count = wait_for(events, 64, deadline);
      if (count == 0) fail("%ld of %ld connections had no answer for 20 seconds", connections - first, connections);
      for (int e = 0; e < count; e++) {
        struct connection *c = events[e].data.ptr;
        if (events[e].events & EPOLLOUT) {
          watch(c, EPOLL_CTL_MOD, EPOLLIN);
          if (c->mark == 0) start_round(c); else send_some(c);
        } else if (receive_some(c)) {
          left--;
        }
      }
    }
  }
  return all;
}

static void run_echo(void) {
  struct connection *all = open_all();
  struct epoll_event events[256];
  uint64_t start = now() + 200000000u, end = start + (uint64_t)(seconds * 1e9), t = 0;
  uint64_t before = 0, rounds = 0;
  for (long i = 0; i < connections; i++) start_round(&all[i]);
  // At the end each connection finishes its round: a server that forgot one is not only slower, but wrong.
  for (long open = connections; open > 0;) {
    int count = wait_for(events, 256, (t = now()) < end ? end : end + patience);
    if (count == 0 && t >= end) fail("%ld of %ld connections had no answer for 20 seconds", open, connections);
    for (int e = 0; e < count; e++) {
      struct connection *c = events[e].data.ptr;
      if (events[e].events & EPOLLOUT) {
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
        send_some(c);
      }
      if (!(events[e].events & ~(uint32_t)EPOLLOUT) || !receive_some(c)) continue;
      uint64_t done = now();
      if (done >= start && done < end) {
        if (before == 0) before = done; // rounds are counted from the end of this one
        else rounds++, count_latency(done - c->since);
      }
      if (done < end) start_round(c);
      else open--;
    }
  }
  if (rounds == 0) fail("no round trip ended in %g seconds", seconds);
  printf("%.0f %.1f %.1f %.1f\n", (double)rounds * (double)pipeline / ((double)(end - before) / 1e9), percentile(0.5),
         percentile(0.99), percentile(0.999));
}

static void run_idle(void) {
  open_all();
  printf("ready %ld\n", connections);
  fflush(stdout);
  char byte[64];
  while (read(STDIN_FILENO, byte, sizeof byte) > 0) {}
}

static void run_open(void) {
  struct connection *all = calloc((size_t)concurrency, sizeof *all);
  struct epoll_event events[256];
  if (!all) fail_errno("calloc");
  unsigned long serial = 0;
  uint64_t start = now(), end = start + (uint64_t)(seconds * 1e9), done = 0, t = 0;
  for (long i = 0; i < concurrency; i++) {
    all[i].fd = open_connection(serial++);
    watch(&all[i], EPOLL_CTL_ADD, EPOLLOUT);
  }
  for (long open = concurrency; open > 0;) { // at the end each connection finishes, as above
    int count = wait_for(events, 256, (t = now()) < end ? end : end + patience);
    if (count == 0 && t >= end) fail("%ld of %ld connections had no answer for 20 seconds", open, concurrency);
    for (int e = 0; e < count; e++) {
      struct connection *c = events[e].data.ptr;
      if (events[e].events & EPOLLOUT) {
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
        start_round(c);
      } else if (receive_some(c)) {
        close(c->fd);
        if (now() >= end) {
          open--;
          continue;
        }
        done++;
        c->fd = open_connection(serial++);
        watch(c, EPOLL_CTL_ADD, EPOLLOUT);
      }
    }
  }
  printf("%.0f\n", (double)done / seconds);
}

static void exchange(int fd, char byte, int sends, int receives) {
  char got = 0;
  if (sends && send(fd, &byte, 1, MSG_NOSIGNAL) != 1) fail_errno("send");
  if (!receives) return;
  if (recv(fd, &got, 1, 0) != 1) fail("the server closed a connection, or had no answer for 20 seconds");
  if (got != byte) fail("an answer is %d, not %d", got, byte);
}

static void run_beside(void) {
  int fds[2];
  struct timeval limit = {.tv_sec = (time_t)(patience / 1000000000u)};
  for (unsigned long i = 0; i < 2; i++) {
    fds[i] = open_connection(i);
    if (fcntl(fds[i], F_SETFL, 0) < 0) fail_errno("fcntl");
    if (setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0) fail_errno("setsockopt");
    struct pollfd writable = {.fd = fds[i], .events = POLLOUT};
    if (poll(&writable, 1, 20000) != 1) fail("the server does not accept");
    exchange(fds[i], 0, 1, 1);
  }
  // The pauses leave the server time to idle, as a service does that is not busy. The first rounds are not counted: a
  // server may learn from them how long its work takes.
  const struct timespec before = {.tv_nsec = 500000}, after = {.tv_nsec = 3000000};
  uint64_t end = now() + (uint64_t)(seconds * 1e9);
  for (long round = 0; round < 20 || now() < end; round++) {
    exchange(fds[0], (char)work, 1, 0);
    nanosleep(&before, NULL);
    uint64_t since = now();
    exchange(fds[1], 0, 1, 1);
    if (round >= 10) count_latency(now() - since);
    exchange(fds[0], (char)work, 0, 1);
    nanosleep(&after, NULL);
  }
  printf("%.1f %.1f\n", percentile(0.5), percentile(0.99));
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  for (int i = 2; i < argc; i += 2) {
    const char *name = argv[i];
    char *end;
    double value = i + 1 < argc ? strtod(argv[i + 1], &end) : -1;
    if (!(value > 0) || *end) fail("%s needs a number above 0", name);
    if (!strcmp(name, "--port")) port = (long)value;
    else if (!strcmp(name, "--connections")) connections = (long)value;
    else if (!strcmp(name, "--seconds")) seconds = value;
    else if (!strcmp(name, "--size")) size = (long)value;
    else if (!strcmp(name, "--pipeline")) pipeline = (long)value;
    else if (!strcmp(name, "--work")) work = (long)value;
    else if (!strcmp(name, "--concurrency")) concurrency = (long)value;
    else fail("unknown option %s", name);
  }
  int echo = !strcmp(mode, "echo"), idle = !strcmp(mode, "idle"), opens = !strcmp(mode, "open");
  int beside = !strcmp(mode, "beside");
  if (!echo && !idle && !opens && !beside)
    fail("usage: netload echo|open|idle|beside --port P ..., see the head of netload.c");
  if (port < 1 || port > 65535 || (!opens && !beside && connections < 1))
    fail("--port and --connections are needed");
  if (work > 127) fail("--work is 127 at most");

  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  block_size = echo ? size * pipeline : 1;
  block = malloc((size_t)block_size);
  answer = malloc((size_t)block_size);
  if (!block || !answer) fail_errno("malloc");
  for (long i = 0; i < block_size; i++) block[i] = (char)(i * 31 + i / 251);
  if ((set = epoll_create1(EPOLL_CLOEXEC)) < 0) fail_errno("epoll_create1");
  if (echo) run_echo();
  else if (idle) run_idle();
  else if (beside) run_beside();
  else run_open();
  return 0;
}
