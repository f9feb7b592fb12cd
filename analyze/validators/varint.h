/* varint: numbers of seven bits a byte, lowest first, of which each byte but the last has its top
 * bit set: LEB128 (WebAssembly core specification 2.0, 5.2.2), protobuf, Thrift, MQTT. */
#ifndef ANALYZE_VALIDATORS_VARINT_H
#define ANALYZE_VALIDATORS_VARINT_H

#include "base/span.h"

/* Reads a number of at most `most_bytes` bytes, ten or fewer; a longer one makes the cursor fail.
 * Bits beyond 64 are dropped. */
uint64_t varint_read(struct cursor *cursor, unsigned most_bytes);

#endif
