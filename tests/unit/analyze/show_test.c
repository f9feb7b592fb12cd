#include "tests/unit/unit.h"

#include "analyze/attribute/show_chunk.h"
#include "analyze/report/show_json.h"
#include "analyze/report/show_text.h"
#include "archive/proc_text.h"
#include "tests/support/attribute_builder.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, CHUNKS = 40, BYTES = 96 };
static const vaddr DATA = 0x10000, HEAP = 0x100000, STACK = 0x7f0000;

/* Module data with a .bss that has no name, brk memory, a stack; all of random words that lead into
 * them more often than not. */
struct scene {
	struct attribute_builder process;
	struct findings findings;
	struct chunk chunks[CHUNKS];
	uint64_t data[2 * PAGE / 8], heap[PAGE / 8], stack[PAGE / 8], registers[27];
};

static struct progress silent;

static uint64_t random_word(void)
{
	static const vaddr bases[] = { 0, 0x10000, 0x100000, 0x7f0000, 0x100000, UINT64_MAX - 4000 };

	return bases[rand() % 6] + (uint64_t)rand() % 5000;
}

static void add_thread(struct scene *scene)
{
	struct core_thread *thread = vec_add(&scene->process.core.threads);

	thread->tid = 77;
	memcpy(thread->name, "a\033[31m\nb", 8);
	thread->sp = STACK + 1024;
	thread->tp = STACK + 3000;
	thread->registers = span_make(scene->registers, sizeof scene->registers);
	*vec_add(&scene->process.heap.threads) = (struct heap_thread){ 77, 0 };
}

static void add_memory(struct scene *scene, const char *path)
{
	struct attribute_builder *process = &scene->process;

	attribute_builder_region(process, (struct range){ DATA, DATA + PAGE }, REGION_MODULE, PAGE)
		->path = path;
	attribute_builder_region(process, (struct range){ DATA + PAGE, DATA + 2 * PAGE }, REGION_MODULE,
							 PAGE);
	attribute_builder_region(process, (struct range){ HEAP, HEAP + PAGE }, REGION_BRK, PAGE);
	attribute_builder_region(process, (struct range){ STACK, STACK + PAGE }, REGION_STACK, PAGE)
		->tid = 77;
	attribute_builder_piece(process, (struct range){ DATA, DATA + 2 * PAGE },
							(const uint8_t *)scene->data);
	attribute_builder_piece(process, (struct range){ HEAP, HEAP + PAGE },
							(const uint8_t *)scene->heap);
	attribute_builder_piece(process, (struct range){ STACK, STACK + PAGE },
							(const uint8_t *)scene->stack);
}

static void scene_init(struct scene *scene, const char *path)
{
	memset(scene, 0, sizeof *scene);
	attribute_builder_init(&scene->process);
	for (unsigned i = 0; i < CHUNKS; i++)
		scene->chunks[i] = (struct chunk){ .bytes = BYTES, .state = CHUNK_IN_USE };
	add_memory(scene, path);
	add_thread(scene);
}

static void scene_seal(struct scene *scene)
{
	attribute_builder_arena(&scene->process, HEAP, scene->chunks, CHUNKS);
	chunk_table_seal(&scene->process.heap.chunks);
}

static void scene_deinit(struct scene *scene)
{
	vec_deinit(&scene->findings.rules);
	vec_deinit(&scene->findings.hits);
	attribute_builder_deinit(&scene->process);
}

static bool fill(struct scene *scene, struct show *show, vaddr address, size_t limit)
{
	*show = (struct show){ .tool_version = "0", .command = "analyze" };
	return show_chunk_fill(show, &(struct show_input){
									 .path = "some.core",
									 .core = &scene->process.core,
									 .image = &scene->process.image,
									 .regions = &scene->process.regions,
									 .heap = &scene->process.heap,
									 .findings = &scene->findings,
									 .address = address,
									 .limit = limit,
									 .workers = 2,
									 .progress = &silent,
								 });
}

/* No control byte but the end of a line; the JSON is JSON. */
static void render(const struct show *show, struct strbuf *text)
{
	struct strbuf json = { 0 };
	json_t *root;

	show_text_render(show, text);
	for (size_t i = 0; i < text->size; i++)
		assert_true(text->data[i] == '\n' || (uint8_t)text->data[i] >= 0x20);
	show_json_render(show, &json);
	root = json_loads(strbuf_text(&json), 0, NULL);
	assert_non_null(root);
	json_decref(root);
	strbuf_deinit(&json);
}

/* Any words, any address, any limit. */
static void random_memory(void **state)
{
	static struct scene scene;

	(void)state;
	srand(9);
	for (unsigned round = 0; round < 300; round++) {
		scene_init(&scene, "/lib/\033]0;x\007lib\n.so");
		for (size_t i = 0; i < PAGE / 8; i++) {
			scene.data[i] = random_word();
			scene.heap[i] = random_word();
			scene.stack[i] = random_word();
		}
		for (size_t i = 0; i < 27; i++)
			scene.registers[i] = random_word();
		for (size_t i = 0; i < CHUNKS; i++)
			scene.chunks[i].state = (enum chunk_state)((unsigned)rand() % CHUNK_STATES);
		scene_seal(&scene);
		for (unsigned i = 0; i < 4; i++) {
			struct show show;
			struct strbuf text = { 0 };
			vaddr address = random_word();

			if (fill(&scene, &show, address, (size_t)rand() % 5)) {
				render(&show, &text);
				/* words of a freed chunk are not presented as what a program points to */
				if (show.is_chunk)
					assert_int_equal(strstr(strbuf_text(&text), "it is not in use") != NULL,
									 !show.is_live && show.outgoing.total);
			}
			strbuf_deinit(&text);
			show_deinit(&show);
		}
		scene_deinit(&scene);
	}
}

static void says(const struct show *show, const char *wanted)
{
	struct strbuf text = { 0 };

	render(show, &text);
	if (!strstr(strbuf_text(&text), wanted))
		fail_msg("no '%s' in:\n%s", wanted, strbuf_text(&text));
	strbuf_deinit(&text);
}

/* A chunk held by a .bss, a stack and a register, that holds another one. */
static void places_have_names(void **state)
{
	static struct scene scene;
	struct show show;
	vaddr user = HEAP + 2 * BYTES + 16;

	(void)state;
	scene_init(&scene, "/lib/libplug.so");
	scene.data[PAGE / 8 + 3] = user;
	scene.stack[1024 / 8 + 2] = user + 5;
	scene.stack[0] = user; /* below the stack pointer */
	for (size_t i = 0; i < 27; i++)
		scene.registers[i] = 0x33;
	scene.registers[5] = user;
	scene.heap[(2 * BYTES + 16) / 8 + 1] = HEAP + 7 * BYTES + 16;
	*vec_add(&scene.findings.rules) =
		(struct finding_rule){ .id = "web.thing", .title = "A thing" };
	for (unsigned i = 0; i < 3; i++)
		*vec_add(&scene.findings.hits) = (struct hit){
			.start = user + i, .bytes = 1, .chunk = HEAP + 2 * BYTES, .group = HIT_NO_GROUP
		};
	scene_seal(&scene);
	assert_true(fill(&scene, &show, user, 20));
	assert_int_equal(show.incoming.total, 3);
	assert_int_equal(show.incoming.items.count, 3);
	assert_string_equal(show.incoming.items.items[0].place.kind, "register");
	says(&show, "rbx of a\\x1b[31m\\nb (77)");
	says(&show, "libplug.so .data/.bss+0x1018 (module+0x1018)");
	says(&show, "+0x5      <- stack of a\\x1b[31m\\nb (77), sp+0x10");
	says(&show, "+0x8      -> chunk 0x1002b0+0x0 (96 bytes, in-use)");
	says(&show, "web.thing: 3 hits");
	assert_string_equal(show.incoming.items.items[1].place.module, "/lib/libplug.so");
	assert_int_equal(show.chain_length, 1);
	assert_string_equal(show.chain.items[0].kind, "module");
	show_deinit(&show);
	assert_true(fill(&scene, &show, HEAP + 7 * BYTES + 16, 20));
	assert_int_equal(show.chain_length, 2);
	assert_int_equal(show.chain.items[1].chunk, user);
	assert_int_equal(show.chain.items[1].offset, 8);
	show_deinit(&show);
	assert_true(fill(&scene, &show, HEAP + 9 * BYTES, 0)); /* a header, and no rows at all */
	assert_int_equal(show.offset, -16);
	assert_int_equal(show.also, HEAP + 8 * BYTES + 16);
	says(&show, "none: it is unreachable");
	show_deinit(&show);
	assert_true(fill(&scene, &show, HEAP + 7 * BYTES + 16, 0));
	assert_int_equal(show.chain.count, 0);
	says(&show, "... 2 more");
	show_deinit(&show);
	assert_true(fill(&scene, &show, DATA + 8, 20));
	assert_false(show.is_chunk);
	says(&show, "is in no chunk: libplug.so .data/.bss+0x8");
	show_deinit(&show);
	assert_false(fill(&scene, &show, 0x50, 20));
	show_deinit(&show);
	scene_deinit(&scene);
}

/* An address whose bytes are all letters is a pointer nevertheless. */
static void an_address_may_look_like_text(void **state)
{
	static struct scene scene;
	const vaddr letters = 0x414243444000;
	struct show show;

	(void)state;
	scene_init(&scene, "/lib/libplug.so");
	attribute_builder_region(&scene.process, (struct range){ letters, letters + PAGE },
							 REGION_ANONYMOUS, 0);
	scene.heap[2] = letters + 0x45;
	scene_seal(&scene);
	assert_true(fill(&scene, &show, HEAP, 20));
	assert_int_equal(show.outgoing.total, 1);
	assert_int_equal(show.content.pointers, 1);
	assert_int_equal(show.content.text_words, 0);
	show_deinit(&show);
	scene_deinit(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_memory),
		cmocka_unit_test(places_have_names),
		cmocka_unit_test(an_address_may_look_like_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
