/* thread_pointers: where each thread's control block is, by its registers or by its own content.
 *
 * On x86 a control block begins with its own address and has it again two words on (glibc
 * sysdeps/x86_64/nptl/tls.h and sysdeps/i386/nptl/tls.h, tcbhead_t: tcb, self); behind that head
 * struct pthread holds the thread's id (nptl/descr.h). On aarch64 it begins with the dtv. */
#ifndef ANALYZE_HEAP_THREAD_POINTERS_H
#define ANALYZE_HEAP_THREAD_POINTERS_H

#include "analyze/input/core.h"
#include "analyze/memory/image.h"
#include "analyze/memory/regions.h"
#include "base/vec.h"

/* One for each thread of the core, in its order; 0 where the control block is not in the image. */
typedef VEC(vaddr) thread_pointers;

/* What the registers say stands only where a control block is there: gdb's gcore writes zeros for a
 * stack that it could not read to its end. Where the core has no such registers (gcore of a 32-bit
 * program), x86 control blocks are looked for in all writable memory. */
void thread_pointers_find(const struct image *image, const struct regions *regions,
						  const struct core *core, thread_pointers *found);

/* Whether static TLS lies above the thread pointer (aarch64), else below it (x86). */
bool thread_pointers_tls_above(const struct image *image);

#endif
