/* state_target: threads in states that a capture may break, and which say whether it did.
 *
 * usage: state_target
 *
 * Each thread waits in its own way. For the line "check" on stdin every wait is ended in the way it
 * is meant to end, and the thread compares what it got: the bytes, the wake-up, the signal, the
 * registers. Then it waits again. The answer is one line: "ok" or "broken NAME what; NAME what", in
 * both cases followed by " eintr NAME COUNT" for each call that ended with EINTR though no handler
 * ran. Prints a line "state NAME TID" for each thread, then READY. Ends when stdin does. */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LONG_SECONDS = 100000,
	SLEEP_NS = 700 * 1000 * 1000,
	GIVE_UP_MS = 20000,
	POLL_MS = 2,
	CHILD_STATUS = 42,
};

struct witness {
	const char *name;
	void (*run)(struct witness *witness); /* one wait, and the comparison behind it */
	void (*end_wait)(struct witness *witness);
	pthread_t thread;
	pid_t tid;
	int pipe[2];
	uint64_t sent; /* what the wait must deliver */
	_Atomic uint64_t rounds;
	uint64_t checked; /* rounds when the last check was over */
	_Atomic unsigned interrupted;
	_Atomic bool broken;
	char what[96];
	_Atomic uint32_t futex;
};

static _Atomic unsigned handled; /* runs of the handler of SIGUSR2 */

static void __attribute__((format(printf, 2, 3)))
say(struct witness *witness, const char *format, ...)
{
	va_list arguments;

	if (atomic_load(&witness->broken))
		return; /* the first break is the cause */
	va_start(arguments, format);
	vsnprintf(witness->what, sizeof witness->what, format, arguments);
	va_end(arguments);
	atomic_store(&witness->broken, true);
}

/* --- waits on a pipe --- */

static void send_bytes(struct witness *witness)
{
	witness->sent += UINT64_C(0x0101010101010101);
	if (write(witness->pipe[1], &witness->sent, sizeof witness->sent) != sizeof witness->sent)
		say(witness, "write: %s", strerror(errno));
}

static void take_bytes(struct witness *witness)
{
	uint64_t got = 0;
	ssize_t size = read(witness->pipe[0], &got, sizeof got);

	if (size != sizeof got)
		say(witness, "read gave %zd: %s", size, strerror(errno));
	else if (got != witness->sent)
		say(witness, "read gave wrong bytes");
}

static void run_poll(struct witness *witness)
{
	struct pollfd poller = { .fd = witness->pipe[0], .events = POLLIN };
	int got = poll(&poller, 1, LONG_SECONDS * 1000);

	if (got != 1 || poller.revents != POLLIN)
		say(witness, "poll gave %d: %s", got, strerror(errno));
	take_bytes(witness);
}

static void run_epoll(struct witness *witness)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 4711 };
	int fd = epoll_create1(0), got;

	epoll_ctl(fd, EPOLL_CTL_ADD, witness->pipe[0], &event);
	while ((got = epoll_wait(fd, &event, 1, LONG_SECONDS * 1000)) < 0 && errno == EINTR)
		atomic_fetch_add(&witness->interrupted, 1);
	if (got != 1 || event.data.u64 != 4711)
		say(witness, "epoll_wait gave %d: %s", got, strerror(errno));
	take_bytes(witness);
	close(fd);
}

/* --- waits for a time, a futex, a signal, a child --- */

/* The value stays: a return without a wake-up is one that the capture made. */
static void run_futex(struct witness *witness)
{
	struct timespec timeout = { .tv_sec = LONG_SECONDS };
	uint64_t before = atomic_load(&witness->rounds);
	long got = syscall(SYS_futex, &witness->futex, FUTEX_WAIT_PRIVATE, before, &timeout);

	if (got && errno != EAGAIN)
		say(witness, "futex gave %ld: %s", got, strerror(errno));
	if (atomic_load(&witness->futex) != before + 1)
		say(witness, "futex woke up by itself");
}

static void wake_futex(struct witness *witness)
{
	atomic_fetch_add(&witness->futex, 1);
	syscall(SYS_futex, &witness->futex, FUTEX_WAKE_PRIVATE, 1);
}

static int64_t elapsed_ns(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * INT64_C(1000000000) + now.tv_nsec - start->tv_nsec;
}

/* Sleeps again and again; the check waits for the sleep that is going on. */
static void run_sleep(struct witness *witness)
{
	struct timespec nap = { .tv_nsec = SLEEP_NS }, start;
	int error;

	clock_gettime(CLOCK_MONOTONIC, &start);
	error = clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	if (error)
		say(witness, "clock_nanosleep: %s", strerror(error));
	else if (elapsed_ns(&start) < SLEEP_NS)
		say(witness, "slept %lld ns of %d", (long long)elapsed_ns(&start), SLEEP_NS);
}

static void run_sigtimedwait(struct witness *witness)
{
	struct timespec timeout = { .tv_sec = LONG_SECONDS };
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	while ((got = sigtimedwait(&set, NULL, &timeout)) < 0 && errno == EINTR)
		atomic_fetch_add(&witness->interrupted, 1);
	if (got != SIGUSR1)
		say(witness, "sigtimedwait gave %d: %s", got, strerror(errno));
}

static void send_awaited(struct witness *witness)
{
	pthread_kill(witness->thread, SIGUSR1);
}

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

static void run_pause(struct witness *witness)
{
	unsigned before = atomic_load(&handled);

	pause();
	if (atomic_load(&handled) == before)
		say(witness, "pause returned without a signal");
}

static void send_handled(struct witness *witness)
{
	pthread_kill(witness->thread, SIGUSR2);
}

/* The child shares the memory and sleeps in read(); the parent is in vfork() until it has ended. */
static void run_vfork(struct witness *witness)
{
	int status = 0;
	pid_t child = vfork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		take_bytes(witness);
		_exit(CHILD_STATUS);
	}
	if (child < 0)
		say(witness, "vfork: %s", strerror(errno));
	else if (waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
			 WEXITSTATUS(status) != CHILD_STATUS)
		say(witness, "the child ended with %#x", (unsigned)status);
}

/* --- signals --- */

/* Blocked signals that wait: the set, and the value that one of them carries. */
static void run_pending(struct witness *witness)
{
	struct timespec none = { 0 };
	siginfo_t info = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_sigqueue(pthread_self(), SIGRTMIN + 3, (union sigval){ .sival_int = 1234 });
	take_bytes(witness);
	if (sigtimedwait(&set, &info, &none) != SIGRTMIN + 3 || info.si_value.sival_int != 1234)
		say(witness, "the pending signal was lost");
	else if (sigtimedwait(&set, &info, &none) >= 0)
		say(witness, "the pending signal came twice");
}

static void run_mask(struct witness *witness)
{
	sigset_t wanted, got;

	sigemptyset(&wanted);
	for (int number = 1; number < SIGRTMIN; number += 3)
		if (number != SIGKILL && number != SIGSTOP)
			sigaddset(&wanted, number);
	sigaddset(&wanted, SIGRTMAX - 1);
	pthread_sigmask(SIG_SETMASK, &wanted, NULL);
	take_bytes(witness);
	pthread_sigmask(SIG_SETMASK, NULL, &got);
	for (int number = 1; number <= SIGRTMAX; number++)
		if (sigismember(&got, number) != sigismember(&wanted, number))
			say(witness, "the mask changed at signal %d", number);
}

/* --- registers --- */

/* Known values go into every register but rsp, the thread spins until spin_end is set, and what is
 * in the registers then goes back to memory. Nothing in the loop writes a register. */
enum { GENERAL = 15, VECTORS = 16, VECTOR_WORDS = 4 };

uint64_t spin_general[GENERAL], spin_vectors[VECTORS][VECTOR_WORDS];
uint32_t spin_end;
void spin_sse(void);
void spin_avx(void);

__asm__(".text\n"
		".altmacro\n"
		".macro each_vector do, move, name, from=0\n"
		"  .set index, \\from\n"
		"  .rept 16\n"
		"    \\do \\move, \\name, %index\n"
		"    .set index, index + 1\n"
		"  .endr\n"
		".endm\n"
		".macro load_vector move, name, number\n"
		"  \\move spin_vectors + 32 * \\number(%rip), %\\name\\number\n"
		".endm\n"
		".macro keep_vector move, name, number\n"
		"  \\move %\\name\\number, spin_vectors + 32 * \\number(%rip)\n"
		".endm\n"
		".macro each_general do\n"
		"  .set slot, 0\n"
		"  .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n"
		"    \\do \\register, %slot\n"
		"    .set slot, slot + 1\n"
		"  .endr\n"
		".endm\n"
		".macro load_general register, number\n"
		"  movq spin_general + 8 * \\number(%rip), %\\register\n"
		".endm\n"
		".macro keep_general register, number\n"
		"  movq %\\register, spin_general + 8 * \\number(%rip)\n"
		".endm\n"
		".macro spin move, name\n"
		"  .irp register, rbx, rbp, r12, r13, r14, r15\n"
		"    pushq %\\register\n"
		"  .endr\n"
		"  each_vector load_vector, \\move, \\name\n"
		"  each_general load_general\n"
		"1: pause\n"
		"  cmpl $0, spin_end(%rip)\n"
		"  je 1b\n"
		"  each_general keep_general\n"
		"  each_vector keep_vector, \\move, \\name\n"
		"  .irp register, r15, r14, r13, r12, rbp, rbx\n"
		"    popq %\\register\n"
		"  .endr\n"
		"  ret\n"
		".endm\n"
		".globl spin_sse, spin_avx\n"
		"spin_sse: spin movdqu, xmm\n"
		"spin_avx: spin vmovdqu, ymm\n"
		".noaltmacro\n");

static uint64_t distinct(unsigned number)
{
	return UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
}

static void run_registers(struct witness *witness)
{
	bool avx = __builtin_cpu_supports("avx");
	unsigned words = avx ? VECTOR_WORDS : 2;

	for (unsigned i = 0; i < GENERAL; i++)
		spin_general[i] = distinct(i);
	for (unsigned i = 0; i < VECTORS * VECTOR_WORDS; i++)
		spin_vectors[i / VECTOR_WORDS][i % VECTOR_WORDS] = distinct(100 + i);
	(avx ? spin_avx : spin_sse)();
	__atomic_store_n(&spin_end, 0, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < GENERAL; i++)
		if (spin_general[i] != distinct(i))
			say(witness, "general register %u changed", i);
	for (unsigned i = 0; i < VECTORS; i++)
		for (unsigned word = 0; word < words; word++)
			if (spin_vectors[i][word] != distinct(100 + i * VECTOR_WORDS + word))
				say(witness, "vector register %u changed", i);
}

static void end_spin(struct witness *witness)
{
	(void)witness;
	__atomic_store_n(&spin_end, 1, __ATOMIC_SEQ_CST);
}

/* --- the table --- */

static struct witness witnesses[] = {
	{ .name = "read", .run = take_bytes, .end_wait = send_bytes },
	{ .name = "futex", .run = run_futex, .end_wait = wake_futex },
	{ .name = "sleep", .run = run_sleep },
	{ .name = "poll", .run = run_poll, .end_wait = send_bytes },
	{ .name = "epoll_wait", .run = run_epoll, .end_wait = send_bytes },
	{ .name = "sigtimedwait", .run = run_sigtimedwait, .end_wait = send_awaited },
	{ .name = "pending", .run = run_pending, .end_wait = send_bytes },
	{ .name = "mask", .run = run_mask, .end_wait = send_bytes },
	{ .name = "registers", .run = run_registers, .end_wait = end_spin },
	{ .name = "vfork", .run = run_vfork, .end_wait = send_bytes },
	{ .name = "pause", .run = run_pause, .end_wait = send_handled },
};

enum { WITNESSES = sizeof witnesses / sizeof *witnesses };

static void *run_witness(void *argument)
{
	struct witness *witness = argument;

	witness->tid = gettid();
	pthread_setname_np(pthread_self(), witness->name);
	for (;;) {
		witness->run(witness);
		atomic_fetch_add(&witness->rounds, 1);
	}
	return NULL;
}

static void nap_ms(unsigned milliseconds)
{
	struct timespec nap = { .tv_nsec = milliseconds * 1000000L };

	nanosleep(&nap, NULL);
}

static void check_one(struct witness *witness)
{
	uint64_t before = atomic_load(&witness->rounds);

	if (witness->end_wait && before != witness->checked)
		say(witness, "its wait ended by itself");
	if (witness->end_wait)
		witness->end_wait(witness);
	for (unsigned waited = 0; atomic_load(&witness->rounds) == before; waited += POLL_MS) {
		if (waited > GIVE_UP_MS) {
			say(witness, "its wait does not end");
			return;
		}
		nap_ms(POLL_MS);
	}
	witness->checked = atomic_load(&witness->rounds);
	if (witness->end_wait && witness->checked != before + 1)
		say(witness, "its wait ended more than once");
}

/* A thread that is back in its wait: the state letter behind the name in /proc. */
static void await_wait(const struct witness *witness)
{
	char path[64], text[128], *behind;
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)witness->tid);
	for (unsigned waited = 0; waited < GIVE_UP_MS; waited += POLL_MS) {
		nap_ms(POLL_MS);
		file = fopen(path, "r");
		behind = file && fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
		if (file)
			fclose(file);
		if (behind && (strchr("SD", behind[2]) || witness->run == run_registers))
			return;
	}
}

static void check_all(void)
{
	const char *separator = "broken ";
	bool broken = false;

	for (size_t i = 0; i < WITNESSES; i++)
		check_one(&witnesses[i]);
	for (size_t i = 0; i < WITNESSES; i++) {
		if (!atomic_load(&witnesses[i].broken))
			continue;
		printf("%s%s %s", separator, witnesses[i].name, witnesses[i].what);
		separator = "; ";
		broken = true;
	}
	if (!broken)
		fputs("ok", stdout);
	for (size_t i = 0; i < WITNESSES; i++)
		if (witnesses[i].interrupted)
			printf(" eintr %s %u", witnesses[i].name, witnesses[i].interrupted);
	for (size_t i = 0; i < WITNESSES; i++)
		await_wait(&witnesses[i]);
	puts("");
	fflush(stdout);
}

/* Inherited by every thread: only sigtimedwait takes SIGUSR1. */
static void set_signals(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	sigset_t set;

	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(void)
{
	char line[80];

	set_signals();
	for (size_t i = 0; i < WITNESSES; i++)
		if (pipe(witnesses[i].pipe) ||
			pthread_create(&witnesses[i].thread, NULL, run_witness, &witnesses[i]))
			return perror("state_target"), 1;
	nap_ms(50);
	for (size_t i = 0; i < WITNESSES; i++) {
		await_wait(&witnesses[i]);
		printf("state %s %d\n", witnesses[i].name, (int)witnesses[i].tid);
	}
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		check_all();
	_exit(0);
}
