/* java_heap: where a HotSpot JVM keeps its objects, told from its mappings alone: nothing is asked
 * of the JVM and no byte is read. Where the evidence does not tell, there is no answer. */
#ifndef DUMPCORE_JAVA_HEAP_H
#define DUMPCORE_JAVA_HEAP_H

#include "archive/proc_text.h"
#include "base/vaddr.h"

#include <stdbool.h>

/* Finds the reserved range of the Java heap among mappings sorted by address. False where the
 * process is no JVM or the heap is not recognised: one without compressed references (-Xmx of 32
 * GiB and more, or -XX:-UseCompressedOops), or in shared memory (ZGC's memfd). */
bool java_heap_find(const mappings *list, struct range *heap);

#endif
