/* reference_target: a process that knows who holds each of its chunks.
 *
 * usage: reference_target LOG LIBRARY
 *
 * Builds chunks held in all the ways there are, and chunks held by nothing, and writes a line for
 * each: "NAME ADDRESS anchored|unreachable|freed". Prints READY when all is there. Lives until
 * stdin ends.
 *
 * A pointer that is left behind anywhere would anchor its chunk, so pointers are kept encoded, and
 * stacks and registers are wiped after use. */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

enum { MAX_CHUNKS = 4096, CHAIN = 1000, CHILDREN = 10, THREADS = 3 };
enum fate { ANCHORED, UNREACHABLE, FREED };

static const char *const fates[] = { "anchored", "unreachable", "freed" };

static volatile uintptr_t key = (uintptr_t)0x5a5a5a5a5a5a5a5a;

static struct {
	const char *name;
	uintptr_t code;
	enum fate fate;
} logged[MAX_CHUNKS];
static size_t logged_count;

/* The roots. */
void *global, *global_mapped, *global_chain, *global_cycle, *global_inside, *global_last_word,
	*global_behind, *global_through_mapped, *global_secondary;
__thread void *volatile thread_local_slot;
static uintptr_t register_code, stack_code, dead_code;
static pthread_barrier_t ready;

/* A zeroed chunk, with its fate written down. Wipes what is left of its last life. */
static NOINLINE void *make(const char *name, size_t size, enum fate fate)
{
	void *chunk = malloc(size);

	memset(chunk, 0, malloc_usable_size(chunk));
	logged[logged_count].name = name;
	logged[logged_count].fate = fate;
	logged[logged_count++].code = (uintptr_t)chunk ^ key;
	return chunk;
}

/* Of all registers that a call may leave anything in. */
static inline __attribute__((always_inline)) void wipe_registers(void)
{
#if defined __x86_64__
	__asm__ volatile("xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi;"
					 "xor %%edi, %%edi; xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d;"
					 "xor %%r11d, %%r11d" ::
						 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
#endif
}

/* Overwrites what functions that have returned left on the stack. */
static NOINLINE void wipe_stack(void)
{
	volatile char room[128 << 10];

	for (size_t i = 0; i < sizeof room; i++)
		room[i] = 0;
	wipe_registers();
}

static NOINLINE void make_held(const char *library)
{
	void *handle = dlopen(library, RTLD_NOW), **slot;
	char *chunk;

	if (!handle)
		exit(1);
	global = make("global", 100, ANCHORED);
	slot = dlsym(handle, "reference_library_slot");
	*slot = make("library", 100, ANCHORED);
	thread_local_slot = make("tls-main", 100, ANCHORED);
	global_mapped = make("mapped", 1 << 20, ANCHORED);
	((void **)global_mapped)[70000] = make("by-mapped", 3000, ANCHORED);
	chunk = make("inside", 500, ANCHORED);
	global_inside = chunk + 123;
	chunk = make("last-word", 104, ANCHORED);
	global_last_word = chunk + malloc_usable_size(chunk) - sizeof(void *);
	chunk = make("behind", 104, UNREACHABLE);
	global_behind = chunk + malloc_usable_size(chunk);
	slot = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	slot[100] = make("by-mmap", 200, ANCHORED);
}

static NOINLINE void make_graphs(void)
{
	void ***last = (void ***)&global_chain;
	void **first, **second;

	for (unsigned i = 0; i < CHAIN; i++) {
		void **next = make("chain", 24 + i % 200 * 8, ANCHORED);

		*last = next;
		last = (void ***)&next[i % 3];
	}
	first = make("cycle", 40, ANCHORED);
	second = make("cycle", 1400, ANCHORED);
	first[3] = second;
	second[30] = first;
	global_cycle = second;
	first = make("lost-cycle", 40, UNREACHABLE);
	second = make("lost-cycle", 1400, UNREACHABLE);
	first[3] = second;
	second[30] = first;
	first = make("lost-self", 40, UNREACHABLE);
	first[1] = first;
	first = make("lost-tree", 240, UNREACHABLE);
	for (unsigned i = 0; i < CHILDREN; i++)
		first[i] = make("lost-leaf", 64 + 16 * i, UNREACHABLE);
	make("lost-mapped", 2 << 20, UNREACHABLE);
	make("encoded", 333, UNREACHABLE); /* in logged[] */
}

/* Chunks to which only freed ones point. */
static NOINLINE void make_freed(void)
{
	void **binned = make("binned", 2000, FREED), **cached;

	make("fence", 64, UNREACHABLE);
	binned[64] = make("by-binned", 700, UNREACHABLE);
	cached = make("tcache", 200, FREED);
	cached[16] = make("by-tcache", 700, UNREACHABLE);
}

/* At the very end, so that nobody gets their memory again. */
static NOINLINE void free_freed(void)
{
	for (size_t i = 0; i < logged_count; i++)
		if (logged[i].fate == FREED)
			free((void *)(logged[i].code ^ key));
}

static void *hold_on_stack(void *unused)
{
	void *volatile slot[4] = { (void *)(stack_code ^ key), 0, 0, 0 };

	(void)unused;
	wipe_stack();
	pthread_barrier_wait(&ready);
	for (;;)
		pause();
	return slot[0];
}

/* The pointer is decoded in a register and never anywhere else. */
static void *hold_in_register(void *unused)
{
	(void)unused;
	wipe_stack();
	pthread_barrier_wait(&ready);
#if defined __x86_64__
	__asm__ volatile("mov %0, %%r12; mov %1, %%r13; xor %%r13, %%r12; xor %%r13d, %%r13d;"
					 "1: mov $34, %%eax; syscall; jmp 1b" /* __NR_pause */
					 :
					 : "m"(register_code), "m"(key)
					 : "r12", "r13", "rax", "rcx", "r11", "memory");
#endif
	for (;;)
		pause();
	return NULL;
}

static NOINLINE void leave_behind(void)
{
	void *volatile room[1024] __attribute__((unused));

	room[10] = (void *)(dead_code ^ key);
}

/* Its own arena; and a slot far below its stack pointer, which is none of its own any more. */
static void *leave_on_stack(void *unused)
{
	(void)unused;
	global_secondary = make("secondary", 128, ANCHORED);
	make("lost-secondary", 128, UNREACHABLE);
	thread_local_slot = make("tls-thread", 128, ANCHORED);
	wipe_stack();
	leave_behind();
	wipe_registers();
	pthread_barrier_wait(&ready);
	for (;;)
		pause();
	return NULL;
}

static NOINLINE void start_threads(void)
{
	static void *(*const bodies[THREADS])(void *) = { hold_on_stack, hold_in_register,
													  leave_on_stack };
	static const char *const names[THREADS] = { "on-stack", "in-register", "behind-sp" };
	pthread_t thread;

	stack_code = (uintptr_t)make("stack", 300, ANCHORED) ^ key;
#if defined __x86_64__
	register_code = (uintptr_t)make("register", 300, ANCHORED) ^ key;
#endif
	dead_code = (uintptr_t)make("dead-stack", 300, UNREACHABLE) ^ key;
	pthread_barrier_init(&ready, NULL, THREADS + 1);
	for (unsigned i = 0; i < THREADS; i++) {
		if (pthread_create(&thread, NULL, bodies[i], NULL) != 0)
			exit(1);
		pthread_setname_np(thread, names[i]);
	}
	pthread_barrier_wait(&ready);
	usleep(100000); /* until they have parked */
}

static NOINLINE void write_log(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		exit(1);
	for (size_t i = 0; i < logged_count; i++)
		fprintf(file, "%s 0x%lx %s\n", logged[i].name, (unsigned long)(logged[i].code ^ key),
				fates[logged[i].fate]);
	fclose(file);
}

int main(int argc, char **argv)
{
	char byte;

	if (argc != 3)
		return 2;
	make_held(argv[2]);
	make_graphs();
	make_freed();
	start_threads();
	write_log(argv[1]);
	free_freed();
	wipe_stack();
	if (write(STDOUT_FILENO, "READY\n", 6) != 6)
		return 1;
	return read(STDIN_FILENO, &byte, 1) < 0;
}
