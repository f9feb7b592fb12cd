/* cleanup: locals that clean themselves when their scope ends. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* CLEANUP(f) T x: calls f(&x) at the end of the scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free_(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose_(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define AUTO_FREE CLEANUP(cleanup_free_)     /* a pointer from malloc */
#define AUTO_CLOSE CLEANUP(cleanup_close_)   /* a file descriptor; -1 is none */
#define AUTO_FCLOSE CLEANUP(cleanup_fclose_) /* a FILE *; NULL is none */

#endif
