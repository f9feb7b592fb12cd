/* Private keys of OpenSSH (PROTOCOL.key of OpenSSH 9.2). */
#include "analyze/validators/validators.h"

enum { MAGIC_BYTES = 15, NAME_MAX_BYTES = 64, KEYS_MAX = 16, BLOB_MAX_BYTES = 64 << 10 };

/* A string of RFC 4251 5: a length of four bytes, then that many. */
static struct span read_string(struct cursor *cursor)
{
	uint32_t size = cursor_u32(cursor);

	return cursor_bytes(cursor, size);
}

static bool is_name(struct span name)
{
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] <= ' ' || name.data[i] > '~')
			return false;
	return name.size && name.size <= NAME_MAX_BYTES;
}

/* Cipher, key derivation and its options, the number of keys, the public ones, then the private
 * part ("none": not encrypted), which counts where it is whole. */
bool validate_openssh_key(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	struct span cipher, derivation, private_part;
	uint32_t keys;

	cursor_skip(&cursor, MAGIC_BYTES);
	cipher = read_string(&cursor);
	derivation = read_string(&cursor);
	read_string(&cursor);
	keys = cursor_u32(&cursor);
	if (!cursor_ok(&cursor) || !is_name(cipher) || !is_name(derivation) || !keys || keys > KEYS_MAX)
		return false;
	while (keys--)
		read_string(&cursor);
	if (!cursor_ok(&cursor))
		return false;
	match_extend(match, cursor.at);
	private_part = read_string(&cursor);
	if (cursor_ok(&cursor) && private_part.size <= BLOB_MAX_BYTES)
		match_extend(match, cursor.at);
	match_set(match, "cipher", cipher);
	return true;
}
