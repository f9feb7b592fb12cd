/* java_heap: where a HotSpot JVM keeps its objects, told from its mappings alone: nothing is asked
 * of the JVM and no byte is read. Where the evidence does not tell, there is no answer. */
#ifndef DUMPCORE_JAVA_HEAP_H
#define DUMPCORE_JAVA_HEAP_H

#include "archive/proc_text.h"
#include "base/span.h"
#include "base/vaddr.h"

#include <stdbool.h>

/* Finds the reserved range of the Java heap among mappings sorted by address. `cmdline` is
 * /proc/PID/cmdline (NUL-separated). False where the process is no JVM or the heap is not
 * recognised. Collectors that keep the heap in shared memory (ZGC's memfd) are not this case. */
bool java_heap_find(const mappings *list, struct span cmdline, struct range *heap);

/* The maximum heap size on the command line (-Xmx, -XX:MaxHeapSize=; the last one counts), in
 * bytes; 0 where there is none. */
uint64_t java_heap_limit(struct span cmdline);

#endif
