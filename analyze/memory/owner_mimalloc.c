#include "analyze/memory/owner_search.h"

#include <string.h>

/* mimalloc 1 and 2 manage segments, aligned to 4 MiB (1.x) or 32 MiB (2.x). A segment's header has
 * a cookie: its address XOR a random number of the process (types.h, mi_segment_t; internal.h,
 * _mi_ptr_cookie; heap.c, mi_heap_t.cookie). Its place differs between releases, so it is learnt:
 * it is where different segments give the same number, or where one gives a number that is in a
 * module's data. Beside it stands the segment's size:
 *
 *     2.x   cookie, segment_slices (of 64 KiB), segment_info_slices
 *     1.x   segment_size, segment_info_size, cookie */
enum { HEADER_WORDS = 64, HEADER_BYTES = 8 * HEADER_WORDS, NEIGHBOURS = 8, SLICE = 64 << 10 };

#define SEGMENT_ALIGNMENT (UINT64_C(4) << 20)
#define KEY_LEAST (UINT64_C(1) << 48) /* no pointer, no difference of pointers */

struct candidate {
	vaddr address;
	const uint8_t *bytes;
};

struct finding {
	struct owner_search *search;
	VEC(struct candidate) candidates;
	uint64_t key;
	unsigned word; /* index of the cookie */
	bool in_module;
};

static void take_candidate(void *context, vaddr address, const uint8_t *bytes)
{
	struct finding *finding = context;

	if (address % SEGMENT_ALIGNMENT == 0)
		*vec_add(&finding->candidates) = (struct candidate){ address, bytes };
}

static uint64_t key_of(const struct candidate *candidate, unsigned word)
{
	return owner_u64(candidate->bytes + 8 * word) ^ candidate->address;
}

static bool can_be_key(uint64_t key)
{
	uint64_t high = key >> 47;

	return key >= KEY_LEAST && high != 0 && high != (UINT64_MAX >> 47);
}

/* The bytes that the words around the cookie say the segment has; 0 where they say nothing that can
 * be. */
static uint64_t segment_bytes(const struct candidate *candidate, unsigned word)
{
	const uint8_t *at = candidate->bytes + 8 * word;
	uint64_t slices, info;

	if (word + 2 < HEADER_WORDS) {
		slices = owner_u64(at + 8);
		info = owner_u64(at + 16);
		if (candidate->address % (8 * SEGMENT_ALIGNMENT) == 0 && info && info < slices &&
			slices < UINT32_MAX)
			return slices * SLICE;
	}
	if (word >= 2) {
		slices = owner_u64(at - 16);
		info = owner_u64(at - 8);
		if (slices % 4096 == 0 && info && info % 4096 == 0 && info < slices && slices >> 47 == 0)
			return slices;
	}
	return 0;
}

/* Segments that come next to each other and agree. */
static bool find_by_pairs(struct finding *finding)
{
	for (size_t i = 0; i < finding->candidates.count; i++)
		for (size_t j = i + 1; j < finding->candidates.count && j <= i + NEIGHBOURS; j++) {
			const struct candidate *one = &finding->candidates.items[i];
			const struct candidate *other = &finding->candidates.items[j];

			for (unsigned word = 2; word < HEADER_WORDS; word++) {
				uint64_t key = key_of(one, word);

				if (can_be_key(key) && key == key_of(other, word) && segment_bytes(one, word)) {
					finding->key = key;
					finding->word = word;
					return true;
				}
			}
		}
	return false;
}

enum { KEYS_MAX = 4096 };

struct key {
	uint64_t key;
	unsigned word;
};

struct key_search {
	struct finding *finding;
	VEC(struct key) keys; /* sorted */
	bool found;
};

static int compare_keys(const void *left, const void *right)
{
	const struct key *a = left, *b = right;

	return (a->key > b->key) - (a->key < b->key);
}

static void look_up(void *context, vaddr address, struct span bytes)
{
	struct key_search *search = context;

	(void)address;
	for (size_t at = 0; at + 8 <= bytes.size && !search->found; at += 8) {
		struct key wanted = { owner_u64(bytes.data + at), 0 };
		const struct key *key;

		if (!can_be_key(wanted.key))
			continue;
		key = bsearch(&wanted, search->keys.items, search->keys.count, sizeof wanted, compare_keys);
		if (!key)
			continue;
		search->found = true;
		search->finding->key = key->key;
		search->finding->word = key->word;
	}
}

/* One segment, and the number in a module's data: the main heap's cookie. */
static bool find_in_modules(struct finding *finding)
{
	struct key_search search = { .finding = finding };

	for (size_t i = 0; i < finding->candidates.count; i++)
		for (unsigned word = 2; word < HEADER_WORDS && search.keys.count < KEYS_MAX; word++) {
			uint64_t key = key_of(&finding->candidates.items[i], word);

			if (can_be_key(key) && segment_bytes(&finding->candidates.items[i], word))
				*vec_add(&search.keys) = (struct key){ key, word };
		}
	vec_sort(&search.keys, compare_keys);
	if (search.keys.count)
		owner_each_module_data(finding->search, look_up, &search);
	vec_deinit(&search.keys);
	return search.found;
}

static void claim_segments(struct finding *finding)
{
	uint64_t segments = 0;

	for (size_t i = 0; i < finding->candidates.count; i++) {
		const struct candidate *candidate = &finding->candidates.items[i];
		uint64_t bytes = segment_bytes(candidate, finding->word);

		if (key_of(candidate, finding->word) != finding->key || !bytes)
			continue;
		segments++;
		owner_claim(finding->search, OWNER_MIMALLOC,
					(struct range){ candidate->address, candidate->address + bytes });
	}
	owner_seen(finding->search, OWNER_MIMALLOC,
			   "%llu segment%s whose cookie at +%u is the address XOR one random number%s",
			   (unsigned long long)segments, segments == 1 ? "" : "s", 8 * finding->word,
			   finding->in_module ? ", which is in a module's data" : "");
}

void owner_find_mimalloc(struct owner_search *search)
{
	struct finding finding = { .search = search };

	owner_each_aligned(search, SEGMENT_ALIGNMENT, HEADER_BYTES, take_candidate, &finding);
	finding.in_module = find_in_modules(&finding);
	if (finding.in_module || find_by_pairs(&finding))
		claim_segments(&finding);
	vec_deinit(&finding.candidates);
}
