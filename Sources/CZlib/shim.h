#include <zlib.h>

/* A macro of zlib's, which Swift cannot call. The window has 15 bits; 16 more ask for gzip's header and checksum. */
static inline int czlib_init_gzip(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
