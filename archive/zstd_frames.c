#include "archive/zstd_frames.h"

#include "archive/format.h"
#include "base/mem.h"

#include <endian.h>
#include <stdlib.h>
#include <zstd.h>

struct zstd_packer {
	ZSTD_CCtx *context;
};

struct zstd_packer *zstd_packer_create(int level)
{
	struct zstd_packer *packer = mem_zeroed(1, sizeof *packer);
	size_t limit = zstd_packed_limit(FORMAT_FRAME_BYTES);
	void *plain = mem_zeroed(FORMAT_FRAME_BYTES, 1), *packed = mem_zeroed(limit, 1);

	packer->context = ZSTD_createCCtx();
	if (!packer->context)
		mem_resize(NULL, SIZE_MAX, 1); /* ends the program as any allocation that fails */
	ZSTD_CCtx_setParameter(packer->context, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(packer->context, ZSTD_c_checksumFlag, 1);
	/* The first frame allocates the tables for this frame size; later ones reuse them. */
	zstd_packer_pack(packer, plain, FORMAT_FRAME_BYTES, packed);
	free(plain);
	free(packed);
	return packer;
}

void zstd_packer_destroy(struct zstd_packer *packer)
{
	if (!packer)
		return;
	ZSTD_freeCCtx(packer->context);
	free(packer);
}

size_t zstd_packer_memory(const struct zstd_packer *packer)
{
	return ZSTD_sizeof_CCtx(packer->context);
}

size_t zstd_packed_limit(size_t plain_bytes)
{
	return ZSTD_compressBound(plain_bytes);
}

/* With room for ZSTD_compressBound bytes and its tables allocated, ZSTD_compress2 cannot fail. */
size_t zstd_packer_pack(struct zstd_packer *packer, const void *plain, size_t size, void *packed)
{
	size_t bytes = ZSTD_compress2(packer->context, packed, zstd_packed_limit(size), plain, size);

	if (ZSTD_isError(bytes))
		abort();
	return bytes;
}

static void put_u32(struct strbuf *out, uint32_t value)
{
	uint32_t little = htole32(value);

	strbuf_add(out, &little, sizeof little);
}

void zstd_frames_table(const zstd_frame_table *frames, struct strbuf *out)
{
	enum { ENTRY_BYTES = 8, FOOTER_BYTES = 9 };

	put_u32(out, FORMAT_ZSTD_SKIPPABLE);
	put_u32(out, (uint32_t)frames->count * ENTRY_BYTES + FOOTER_BYTES);
	for (size_t i = 0; i < frames->count; i++) {
		put_u32(out, frames->items[i].packed_bytes);
		put_u32(out, frames->items[i].plain_bytes);
	}
	put_u32(out, (uint32_t)frames->count);
	strbuf_putc(out, '\0'); /* descriptor: no checksums in the table, the frames carry them */
	put_u32(out, FORMAT_ZSTD_SEEKABLE);
}
