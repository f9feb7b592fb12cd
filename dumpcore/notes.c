#include "dumpcore/notes.h"

#include <elf.h>
#include <string.h>
#include <sys/procfs.h>

static void pad(struct strbuf *out, size_t to)
{
	strbuf_pad(out, '\0', (to - out->size % to) % to);
}

static void put_head(struct strbuf *out, const char *owner, uint32_t type, size_t size)
{
	Elf64_Nhdr header = { (uint32_t)strlen(owner) + 1, (uint32_t)size, type };

	strbuf_add(out, &header, sizeof header);
	strbuf_add(out, owner, header.n_namesz);
	pad(out, 4);
}

void notes_put(struct strbuf *out, const char *owner, uint32_t type, const void *description,
			   size_t size)
{
	put_head(out, owner, type, size);
	strbuf_add(out, description, size);
	pad(out, 4);
}

struct note_slot notes_open(struct strbuf *out, const char *owner, uint32_t type, size_t room)
{
	struct note_slot slot = { .head = out->size };

	put_head(out, owner, type, 0);
	slot.at = out->size;
	slot.bytes = memset(strbuf_room(out, room + 4), 0, room);
	return slot;
}

void notes_close(struct strbuf *out, struct note_slot slot, size_t size)
{
	Elf64_Nhdr header;

	out->size = size ? slot.at + size : slot.head;
	if (!size)
		return;
	memcpy(&header, out->data + slot.head, sizeof header);
	header.n_descsz = (uint32_t)size;
	memcpy(out->data + slot.head, &header, sizeof header);
	pad(out, 4);
}

/* The arguments with blanks between them. */
static void copy_arguments(struct span cmdline, char *to, size_t size)
{
	size_t length = cmdline.size < size - 1 ? cmdline.size : size - 1;

	if (length)
		memcpy(to, cmdline.data, length);
	while (length && to[length - 1] == '\0')
		length--;
	for (size_t i = 0; i < length; i++)
		if (to[i] == '\0')
			to[i] = ' ';
}

void notes_put_process(struct strbuf *out, pid_t pid, uid_t uid, gid_t gid,
					   const struct procfs_stat *stat, struct span cmdline)
{
	static const char states[] = "RSDTZW"; /* fs/binfmt_elf.c, fill_psinfo */
	struct elf_prpsinfo info = { .pr_pid = pid,
								 .pr_ppid = stat->parent,
								 .pr_pgrp = stat->group,
								 .pr_sid = stat->session,
								 .pr_flag = stat->flags,
								 .pr_nice = (char)stat->nice,
								 .pr_uid = uid,
								 .pr_gid = gid };
	const char *state = strchr(states, stat->state == 't' ? 'T' : stat->state);

	info.pr_sname = state && *state ? *state : '.';
	info.pr_state = (char)(state && *state ? state - states : 0);
	info.pr_zomb = info.pr_sname == 'Z';
	memcpy(info.pr_fname, stat->comm, sizeof info.pr_fname - 1); /* zero-filled beyond its end */
	copy_arguments(cmdline, info.pr_psargs, sizeof info.pr_psargs);
	notes_put(out, "CORE", NT_PRPSINFO, &info, sizeof info);
}

static bool is_listed(const struct mapping *mapping)
{
	return mapping->inode && mapping->path[0];
}

static const char deleted[] = " (deleted)";

size_t notes_files_room(const mappings *list)
{
	size_t room = 64;

	for (size_t i = 0; i < list->count; i++)
		if (is_listed(&list->items[i]))
			room += 3 * sizeof(uint64_t) + strlen(list->items[i].path) + sizeof deleted;
	return room;
}

/* Descriptions are aligned to four bytes only. */
static char *put_word(char *to, uint64_t word)
{
	memcpy(to, &word, sizeof word);
	return to + sizeof word;
}

void notes_put_files(struct strbuf *out, const mappings *list, uint32_t page_size)
{
	struct note_slot slot = notes_open(out, "CORE", NT_FILE, notes_files_room(list));
	char *start = slot.bytes, *at = put_word(start + sizeof(uint64_t), page_size);
	uint64_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct mapping *mapping = &list->items[i];

		if (!is_listed(mapping))
			continue;
		at = put_word(at, mapping->range.start);
		at = put_word(at, mapping->range.end);
		at = put_word(at, mapping->file_offset / page_size);
		count++;
	}
	put_word(start, count);
	for (size_t i = 0; i < list->count; i++)
		if (is_listed(&list->items[i])) {
			at = stpcpy(at, list->items[i].path);
			at = stpcpy(at, list->items[i].deleted ? deleted : "") + 1;
		}
	notes_close(out, slot, (size_t)(at - start));
}
