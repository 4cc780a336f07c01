#define _GNU_SOURCE
#include "CTroupeFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int32_t troupe_file_open_folder(const char *path) {
  int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

int32_t troupe_file_open_entry(int32_t folder, const char *name) {
  int descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  return descriptor < 0 ? -errno : descriptor;
}

int32_t troupe_file_status_of(int32_t descriptor, troupe_file_status *status) {
  struct stat found;
  if (fstat(descriptor, &found) != 0) return -errno;
  status->size = (int64_t)found.st_size;
#ifdef __APPLE__
  status->modified = (int64_t)found.st_mtimespec.tv_sec * 1000000000 + found.st_mtimespec.tv_nsec;
#else
  status->modified = (int64_t)found.st_mtim.tv_sec * 1000000000 + found.st_mtim.tv_nsec;
#endif
  status->inode = (uint64_t)found.st_ino;
  status->is_directory = S_ISDIR(found.st_mode);
  status->is_file = S_ISREG(found.st_mode);
  return 0;
}

int64_t troupe_file_read(int32_t descriptor, void *bytes, size_t count, int64_t offset) {
  size_t done = 0;
  while (done < count) {
    ssize_t got = pread(descriptor, (char *)bytes + done, count - done, (off_t)(offset + (int64_t)done));
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    done += (size_t)got;
  }
  return (int64_t)done;
}

void troupe_file_close(int32_t descriptor) { close(descriptor); }

static void two(char *text, int value) {
  text[0] = (char)('0' + value / 10 % 10);
  text[1] = (char)('0' + value % 10);
}

// Not strftime, whose names depend on the locale.
void troupe_http_date(int64_t seconds, char *text) {
  static const char days[] = "SunMonTueWedThuFriSat";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t time = (time_t)seconds;
  struct tm parts;
  memset(&parts, 0, sizeof parts);
  if (gmtime_r(&time, &parts) == NULL) {
    time = 0;
    gmtime_r(&time, &parts);
  }
  int year = parts.tm_year + 1900;
  memcpy(text, "Sun, 06 Nov 1994 08:49:37 GMT", TROUPE_HTTP_DATE_LENGTH);
  memcpy(text, days + 3 * parts.tm_wday, 3);
  two(text + 5, parts.tm_mday);
  memcpy(text + 8, months + 3 * parts.tm_mon, 3);
  two(text + 12, year / 100);
  two(text + 14, year % 100);
  two(text + 17, parts.tm_hour);
  two(text + 20, parts.tm_min);
  two(text + 23, parts.tm_sec);
}

const char *troupe_http_date_now(void) {
  static _Thread_local time_t second = -1;
  static _Thread_local char text[TROUPE_HTTP_DATE_LENGTH];
  // The coarse clock is read without a call of the system, and is a tick of the kernel late at most.
  struct timespec now;
#ifdef CLOCK_REALTIME_COARSE
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
#else
  clock_gettime(CLOCK_REALTIME, &now);
#endif
  if (now.tv_sec != second) {
    second = now.tv_sec;
    troupe_http_date((int64_t)second, text);
  }
  return text;
}
