#include "dumpcore/documents.h"

#include "archive/format.h"
#include "dumpcore/cgroup.h"

#include <stdio.h>
#include <string.h>

enum { SMALL = 1 << 20, LARGE = 1 << 30 };

static struct document *find(const struct documents *documents, const char *name)
{
	for (size_t i = 0; i < documents->items.count; i++)
		if (strcmp(documents->items.items[i].name, name) == 0)
			return &documents->items.items[i];
	return NULL;
}

static bool add_new(struct documents *documents, const struct procfs *procfs, const char *name,
					struct err *err)
{
	struct strbuf text = { 0 };

	if (!procfs_read(procfs, name, LARGE, &text, err)) {
		strbuf_deinit(&text);
		return false;
	}
	*vec_add(&documents->items) = (struct document){ pool_string(&documents->pool, name), text };
	return true;
}

bool documents_add(struct documents *documents, const struct procfs *procfs, const char *name,
				   struct err *err)
{
	struct document *document = find(documents, name);
	size_t before;

	if (!document)
		return add_new(documents, procfs, name, err);
	before = document->text.size;
	document->text.size = 0;
	if (procfs_read(procfs, name, LARGE, &document->text, err))
		return true;
	document->text.size = before; /* of a process that has just ended nothing newer is to be had */
	return false;
}

static void add_cgroup(struct documents *documents, const struct procfs *procfs)
{
	cgroup_files files = { 0 };

	cgroup_find(procfs, documents_find(documents, FORMAT_DOCUMENT_CGROUP), &documents->pool,
				&files);
	for (size_t i = 0; i < files.count; i++) {
		struct strbuf text = { 0 };

		if (cgroup_read(&files.items[i], SMALL, &text))
			*vec_add(&documents->items) = (struct document){ files.items[i].name, text };
		else
			strbuf_deinit(&text);
	}
	vec_deinit(&files);
}

/* A document of a thread, in a buffer of its size: they are many. The thread may have ended. */
static void add_small(struct documents *documents, const struct procfs *procfs, const char *name,
					  struct strbuf *scratch)
{
	struct document document = { 0 };

	strbuf_clear(scratch);
	if (!procfs_read(procfs, name, SMALL, scratch, NULL))
		return;
	strbuf_add(&document.text, scratch->data, scratch->size);
	document.name = pool_string(&documents->pool, name);
	*vec_add(&documents->items) = document;
}

static bool add_threads(struct documents *documents, struct procfs *procfs, struct err *err)
{
	static const char *const names[] = { "comm", "status" };
	struct strbuf scratch = { 0 };
	procfs_tids tids = { 0 };
	bool listed = procfs_list_tids(procfs, &tids, err);

	for (size_t i = 0; i < tids.count; i++)
		for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
			char name[64];

			snprintf(name, sizeof name, "task/%d/%s", (int)tids.items[i], names[j]);
			add_small(documents, procfs, name, &scratch);
		}
	strbuf_deinit(&scratch);
	vec_deinit(&tids);
	return listed;
}

bool documents_read(struct documents *documents, struct procfs *procfs, struct err *err)
{
	static const char *const optional[] = { FORMAT_DOCUMENT_STATUS, FORMAT_DOCUMENT_LIMITS,
											FORMAT_DOCUMENT_CMDLINE, FORMAT_DOCUMENT_CGROUP };

	if (!add_new(documents, procfs, FORMAT_DOCUMENT_SMAPS, err))
		return false;
	for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
		add_new(documents, procfs, optional[i], NULL);
	add_cgroup(documents, procfs);
	return add_threads(documents, procfs, err);
}

struct span documents_find(const struct documents *documents, const char *name)
{
	const struct document *document = find(documents, name);

	return document ? strbuf_span(&document->text) : (struct span){ 0 };
}

void documents_deinit(struct documents *documents)
{
	for (size_t i = 0; i < documents->items.count; i++)
		strbuf_deinit(&documents->items.items[i].text);
	vec_deinit(&documents->items);
	pool_deinit(&documents->pool);
}
