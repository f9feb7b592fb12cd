/* crc32c: the Castagnoli CRC of iSCSI (RFC 3720 12.1), Kafka and others. */
#ifndef ANALYZE_VALIDATORS_CRC32C_H
#define ANALYZE_VALIDATORS_CRC32C_H

#include "base/span.h"

#include <stdint.h>

/* CRC32C of the bytes; 0 for none. */
uint32_t crc32c(struct span bytes);

#endif
