/* der: elements of DER (ITU-T X.690, 8.1.2, 8.1.3 and 10.1), read through a cursor. */
#ifndef ANALYZE_VALIDATORS_DER_H
#define ANALYZE_VALIDATORS_DER_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum der_tag {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OBJECT = 0x06,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xa0,
	DER_CONTEXT_1 = 0xa1,
};

/* The content of the element at the cursor, which is then behind it. Lengths of up to three bytes,
 * in the shortest form. False, and the cursor failed, where it is another one or not whole. */
bool der_read(struct cursor *cursor, enum der_tag tag, struct span *content);

/* The tag of the next element, 0 at the end. */
uint8_t der_peek(const struct cursor *cursor);

#endif
