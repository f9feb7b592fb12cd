#include "analyze/content/keyword_search.h"

#include "base/mem.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdlib.h>

struct keyword_search {
	const struct rule_set *rules;
	const bool *applies;
	const atomic_bool *given_up;
	uint64_t patience;
	atomic_uint_fast64_t vain; /* keywords met in vain since the last set was made */
	_Atomic(const struct prefilter *) now;

	/* of whoever makes a set */
	pthread_mutex_t lock;
	bool *left_out; /* per literal */
	size_t left_out_count;
	VEC(struct prefilter *) made; /* the last is `now`; workers may still use the others */
};

struct keyword_search *keyword_search_create(const struct rule_set *rules, const bool *applies,
											 const atomic_bool *given_up, uint64_t patience)
{
	struct keyword_search *search = mem_zeroed(1, sizeof *search);

	search->rules = rules;
	search->applies = applies;
	search->given_up = given_up;
	search->patience = patience;
	search->left_out = mem_zeroed(rules->literals.count, sizeof *search->left_out);
	atomic_init(&search->vain, 0);
	atomic_init(&search->now, rules->prefilter);
	pthread_mutex_init(&search->lock, NULL);
	return search;
}

void keyword_search_destroy(struct keyword_search *search)
{
	if (!search)
		return;
	for (size_t i = 0; i < search->made.count; i++)
		prefilter_destroy(search->made.items[i]);
	vec_deinit(&search->made);
	pthread_mutex_destroy(&search->lock);
	free(search->left_out);
	free(search);
}

static bool is_sought(const struct keyword_search *search, const struct rule_literal *literal)
{
	for (size_t i = 0; i < literal->uses.count; i++) {
		uint32_t rule = literal->uses.items[i].rule;

		if (search->applies[rule] && !atomic_load(&search->given_up[rule]))
			return true;
	}
	return false;
}

/* Rules that are given up stay so: what is left out only grows. */
static bool is_less_sought(struct keyword_search *search)
{
	size_t before = search->left_out_count;

	search->left_out_count = 0;
	for (size_t i = 0; i < search->rules->literals.count; i++) {
		search->left_out[i] = !is_sought(search, &search->rules->literals.items[i]);
		search->left_out_count += search->left_out[i];
	}
	return search->left_out_count > before;
}

static void make_set(struct keyword_search *search)
{
	struct err ignored = { 0 };
	struct prefilter *less =
		prefilter_without(search->rules->prefilter, search->left_out, &ignored);

	if (!less)
		return;
	*vec_add(&search->made) = less;
	atomic_store(&search->now, less);
}

const struct prefilter *keyword_search_now(struct keyword_search *search, uint64_t vain)
{
	if (vain && atomic_fetch_add(&search->vain, vain) + vain >= search->patience &&
		pthread_mutex_trylock(&search->lock) == 0) {
		atomic_store(&search->vain, 0);
		if (is_less_sought(search))
			make_set(search);
		pthread_mutex_unlock(&search->lock);
	}
	return atomic_load(&search->now);
}
