/* zstd_frames: the compressed form of the archive: independent zstd frames of FORMAT_FRAME_BYTES
 * plain bytes each, closed by a seek table, as in zstd's
 * contrib/seekable_format/zstd_seekable_compression_format.md (version 0.1.1). */
#ifndef ARCHIVE_ZSTD_FRAMES_H
#define ARCHIVE_ZSTD_FRAMES_H

#include "base/strbuf.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdint.h>

struct zstd_frame {
	uint32_t packed_bytes;
	uint32_t plain_bytes;
};

typedef VEC(struct zstd_frame) zstd_frame_table;

/* Makes frames, one after the other; one for each thread. */
struct zstd_packer;

/* A packer of that level (ZSTD_minCLevel() to 22) whose working memory is allocated and touched, so
 * that zstd_packer_pack does not allocate. The caller ends with zstd_packer_destroy. */
struct zstd_packer *zstd_packer_create(int level);
void zstd_packer_destroy(struct zstd_packer *packer);

/* Its working memory in bytes. */
size_t zstd_packer_memory(const struct zstd_packer *packer);

/* Most bytes a frame of that many plain bytes takes. */
size_t zstd_packed_limit(size_t plain_bytes);

/* Packs into `packed`, which has room for zstd_packed_limit(size) bytes. Gives the frame's bytes.
 */
size_t zstd_packer_pack(struct zstd_packer *packer, const void *plain, size_t size, void *packed);

/* Appends the seek table: a skippable frame with one entry a frame. */
void zstd_frames_table(const zstd_frame_table *frames, struct strbuf *out);

#endif
