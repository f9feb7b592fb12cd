/* err: one trouble that ends a run: what, where, which address, and what to do about it. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_USAGE,       /* the command line or a configuration value is wrong */
	ERR_NOT_FOUND,   /* no such file, process, address or rule */
	ERR_PERMISSION,  /* the kernel refused */
	ERR_SYSTEM,      /* any other failed system call */
	ERR_FORMAT,      /* input that is not what it should be */
	ERR_UNSUPPORTED, /* valid, but not for this program */
	ERR_LIMIT,       /* a stated maximum would be passed */
	ERR_NO_SPACE,    /* the output's disk is full */
	ERR_CLOSED,      /* the reader of the output went away */
	ERR_GONE,        /* the target process ended */
	ERR_EXISTS,      /* the output is there already */
};

/* Zero-initialised is "no error". Plain data: no ownership, copied freely. */
struct err {
	enum err_kind kind;
	int sys;        /* errno of the failed call, 0 where there was none */
	char what[768]; /* one line, no newline */
	char hint[512]; /* the next step to suggest; may be empty */
};

/* Records a trouble. Returns false always, so that a failing function can `return err_set(…)`.
 * A null err drops the text. An error already recorded is replaced. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set for a failed system call: appends strerror(sys) and derives the kind from sys
 * (ENOENT not found, ESRCH gone, EPERM/EACCES permission, ENOSPC/EDQUOT no space, EPIPE/ECONNRESET
 * closed, EEXIST exists, else system). */
bool err_sys(struct err *err, int sys, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets the suggested next step of the recorded trouble. Returns false always. */
bool err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "PREFIX: " before the recorded text, to add the where that an inner function did not know.
 * Returns false always. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
