/* Private keys in DER: PKCS#8 (RFC 5958 2), RSA's own form (RFC 8017 A.1.2) and that of elliptic
 * curves (RFC 5915 3). What is provided is the kind, never a part of the key. */
#include "analyze/validators/der.h"
#include "analyze/validators/validators.h"

/* Names of algorithms by the start of their object identifiers. */
static const struct algorithm {
	uint8_t size, object[9];
	const char *kind;
} algorithms[] = {
	{ 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 }, "PKCS#8 RSA" }, /* RFC 8017 */
	{ 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a }, "PKCS#8 RSA-PSS" },
	{ 7, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 }, "PKCS#8 EC" }, /* RFC 5480 */
	{ 3, { 0x2b, 0x65, 0x6e }, "PKCS#8 X25519" },                     /* RFC 8410 */
	{ 3, { 0x2b, 0x65, 0x6f }, "PKCS#8 X448" },
	{ 3, { 0x2b, 0x65, 0x70 }, "PKCS#8 Ed25519" },
	{ 3, { 0x2b, 0x65, 0x71 }, "PKCS#8 Ed448" },
};

static const char *kind_of(struct span object)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (span_equal(object, span_make(algorithms[i].object, algorithms[i].size)))
			return algorithms[i].kind;
	return NULL;
}

/* Behind the version: the algorithm, the key in an octet string, then nothing, attributes or, in
 * version 2, the public key. */
static const char *read_pkcs8(struct cursor *cursor)
{
	enum { PUBLIC_KEY = 0x81 }; /* [1] IMPLICIT BIT STRING */
	struct span algorithm, object, key;
	struct cursor inner;

	if (!der_read(cursor, DER_SEQUENCE, &algorithm))
		return NULL;
	inner = cursor_make(algorithm, true);
	if (!der_read(&inner, DER_OBJECT, &object) || !der_read(cursor, DER_OCTET_STRING, &key))
		return NULL;
	if (cursor_left(cursor) && der_peek(cursor) != DER_CONTEXT_0 && der_peek(cursor) != PUBLIC_KEY)
		return NULL;
	return key.size ? kind_of(object) : NULL;
}

/* Behind the version: modulus, both exponents, both primes, three numbers more; nothing else. */
static const char *read_rsa(struct cursor *cursor)
{
	enum { NUMBERS = 8 };
	struct span number;

	for (int i = 0; i < NUMBERS; i++)
		if (!der_read(cursor, DER_INTEGER, &number) || !number.size)
			return NULL;
	return cursor_left(cursor) ? NULL : "PKCS#1 RSA";
}

/* Behind the version, which is 1: the key, as long as its curve's order; the curve, the public
 * key. */
static const char *read_ec(struct cursor *cursor)
{
	struct span key, part;

	if (!der_read(cursor, DER_OCTET_STRING, &key) ||
		(key.size != 32 && key.size != 48 && key.size != 66))
		return NULL;
	if (der_peek(cursor) == DER_CONTEXT_0 && !der_read(cursor, DER_CONTEXT_0, &part))
		return NULL;
	return der_read(cursor, DER_CONTEXT_1, &part) && !cursor_left(cursor) ? "SEC1 EC" : NULL;
}

bool validate_private_key(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true), inner;
	struct span key, version;
	const char *kind;

	if (!der_read(&cursor, DER_SEQUENCE, &key))
		return false;
	inner = cursor_make(key, true);
	if (!der_read(&inner, DER_INTEGER, &version) || version.size != 1 || version.data[0] > 1)
		return false;
	if (der_peek(&inner) == DER_SEQUENCE)
		kind = read_pkcs8(&inner);
	else
		kind = version.data[0] ? read_ec(&inner) : read_rsa(&inner);
	if (!kind)
		return false;
	match_set(match, "kind", span_string(kind));
	match_extend(match, cursor.at);
	return true;
}
