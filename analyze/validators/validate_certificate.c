/* X.509 certificates of version 3 in DER (RFC 5280 4.1), and the part of one that is signed. */
#include "analyze/validators/der.h"
#include "analyze/validators/validators.h"

/* Time of 4.1.2.5: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ. */
static bool skip_time(struct cursor *cursor)
{
	enum { UTC_BYTES = 13, GENERALIZED_BYTES = 15 };
	bool utc = der_peek(cursor) == DER_UTC_TIME;
	struct span time;

	if (!der_read(cursor, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME, &time) ||
		time.size != (utc ? UTC_BYTES : GENERALIZED_BYTES))
		return false;
	for (size_t i = 0; i + 1 < time.size; i++)
		if (time.data[i] < '0' || time.data[i] > '9')
			return false;
	return time.data[time.size - 1] == 'Z';
}

/* AlgorithmIdentifier (4.1.1.2): an object identifier, then parameters that depend on it. */
static bool skip_algorithm(struct cursor *cursor)
{
	struct span algorithm, object;
	struct cursor inner;

	if (!der_read(cursor, DER_SEQUENCE, &algorithm))
		return false;
	inner = cursor_make(algorithm, true);
	return der_read(&inner, DER_OBJECT, &object) && object.size >= 3;
}

/* A key: its algorithm and a bit string, nothing else. */
static bool skip_key(struct cursor *cursor)
{
	struct span key, bits;
	struct cursor inner;

	if (!der_read(cursor, DER_SEQUENCE, &key))
		return false;
	inner = cursor_make(key, true);
	return skip_algorithm(&inner) && der_read(&inner, DER_BIT_STRING, &bits) &&
		   !cursor_left(&inner);
}

/* A name (4.1.2.4) is a sequence of sets; the first one tells. */
static bool read_name(struct cursor *cursor, struct span *name)
{
	struct cursor inner;
	struct span set;

	if (!der_read(cursor, DER_SEQUENCE, name))
		return false;
	inner = cursor_make(*name, true);
	return !name->size || der_read(&inner, DER_SET, &set);
}

/* notBefore and notAfter. */
static bool is_validity(struct span validity)
{
	struct cursor cursor = cursor_make(validity, true);
	int times = 0;

	while (cursor_left(&cursor) && skip_time(&cursor))
		times++;
	return times == 2 && !cursor_left(&cursor);
}

/* The fields of TBSCertificate in their order, with all of their lengths. */
static bool body_is_sound(struct span body, struct span *subject)
{
	struct cursor cursor = cursor_make(body, true);
	struct span version, serial, issuer, validity;

	if (!der_read(&cursor, DER_CONTEXT_0, &version) || !der_read(&cursor, DER_INTEGER, &serial) ||
		!serial.size || !skip_algorithm(&cursor) || !read_name(&cursor, &issuer) ||
		!der_read(&cursor, DER_SEQUENCE, &validity))
		return false;
	return is_validity(validity) && read_name(&cursor, subject) && skip_key(&cursor);
}

bool validate_certificate_body(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	struct span body, subject;

	if (!der_read(&cursor, DER_SEQUENCE, &body) || !body_is_sound(body, &subject))
		return false;
	match_set(match, "subject", subject);
	match_extend(match, cursor.at);
	return true;
}

bool validate_certificate(struct span bytes, struct match *match)
{
	struct cursor cursor = cursor_make(bytes, true);
	struct span certificate, body, subject, signature;
	struct cursor inner;

	if (!der_read(&cursor, DER_SEQUENCE, &certificate))
		return false;
	inner = cursor_make(certificate, true);
	if (!der_read(&inner, DER_SEQUENCE, &body) || !skip_algorithm(&inner) ||
		!der_read(&inner, DER_BIT_STRING, &signature) || cursor_left(&inner) ||
		!body_is_sound(body, &subject))
		return false;
	match_set(match, "subject", subject);
	match_extend(match, cursor.at);
	return true;
}
