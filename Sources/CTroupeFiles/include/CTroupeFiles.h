// The calls of the operating system for static files and for the time of day, which need structures that Swift cannot
// reach in the same way everywhere. Any thread may call all of these functions. Unless it says otherwise, a function
// returns what the system's call returns, or the negative number of the error (`-errno`).
#ifndef CTROUPE_FILES_H
#define CTROUPE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What is known of an open file.
typedef struct {
  int64_t size;
  /// When the content was changed last, in nanoseconds since 1970.
  int64_t modified;
  uint64_t inode;
  bool is_directory;
  bool is_file;
} troupe_file_status;

/// Opens a folder, and follows symbolic links on the way.
int32_t troupe_file_open_folder(const char *path);
/// Opens one entry of an open folder for reading. It follows no symbolic link, and does not wait for a pipe.
int32_t troupe_file_open_entry(int32_t folder, const char *name);
int32_t troupe_file_status_of(int32_t descriptor, troupe_file_status *status);
/// Reads at an offset. Returns fewer bytes only at the end of the file.
int64_t troupe_file_read(int32_t descriptor, void *bytes, size_t count, int64_t offset);
void troupe_file_close(int32_t descriptor);

/// The length of the text of a time, `Sun, 06 Nov 1994 08:49:37 GMT`.
enum { TROUPE_HTTP_DATE_LENGTH = 29 };
/// Writes the text of a time, in seconds since 1970.
void troupe_http_date(int64_t seconds, char *text);
/// The text of the present time. It belongs to the calling thread, and is valid until the thread's next call.
const char *troupe_http_date_now(void);

#ifdef __cplusplus
}
#endif
#endif
