/* pattern: the language a PCRE2 pattern can match, as a tree of byte sets. It is a superset:
 * lookarounds and assertions count as nothing, atomic groups as plain ones, backreferences as
 * anything. What the reader does not know (recursion, conditions, verbs, properties) makes it give
 * up, never guess. Syntax: pcre2pattern(3) of PCRE2 10.42, without UTF and UCP. */
#ifndef ANALYZE_CONTENT_PATTERN_H
#define ANALYZE_CONTENT_PATTERN_H

#include "base/pool.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pattern_kind {
	PATTERN_EMPTY,    /* matches between bytes */
	PATTERN_SET,      /* one byte of a set */
	PATTERN_SEQUENCE, /* all children in order */
	PATTERN_CHOICE,   /* one of the children, the branches */
	PATTERN_REPEAT,   /* its child min to max times */
	PATTERN_ANYTHING, /* any bytes, any number */
};

#define PATTERN_ENDLESS UINT32_MAX

struct pattern_node {
	enum pattern_kind kind;
	uint8_t set[32];                   /* PATTERN_SET: a bit a byte */
	uint32_t min, max;                 /* PATTERN_REPEAT; max may be PATTERN_ENDLESS */
	size_t choice;                     /* PATTERN_CHOICE: its number, in order of its start */
	struct span source;                /* the text in the pattern of a branch or a repeat */
	struct pattern_node *first, *next; /* children, sibling */
};

struct pattern {
	const struct pattern_node *root; /* NULL: not known */
	size_t choices;                  /* number of PATTERN_CHOICE nodes */
	size_t unknown_at;               /* root NULL: offset of what is not known */
};

/* Reads a pattern that PCRE2 has compiled. Nodes go to the pool; spans point into the source. */
struct pattern pattern_read(struct span source, struct pool *pool);

/* The part of a slow pattern to look at first: a repeat inside which another one has a variable
 * length, else the first repeat of variable length. Points into the source; empty where there is
 * none, or the pattern is not known. */
struct span pattern_suspect(const struct pattern *pattern);

#endif
