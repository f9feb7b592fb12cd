#include "dumpcore/inject.h"

#include "base/fault.h"
#include "base/progress.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SECOND_NS = 1000000000,
	GIVE_UP_S = 30, /* a clone of a process of terabytes takes seconds */
	NAP_NS = 20000,
	MASK_BYTES = 8,
	CALL_STOP = SIGTRAP | 0x80, /* with PTRACE_O_TRACESYSGOOD */
	OLD_CODE_BYTES = 32,
	RSEQ_CS_OFFSET = 8,  /* struct rseq, include/uapi/linux/rseq.h */
	RESTART_FIRST = 512, /* ERESTARTSYS to ERESTART_RESTARTBLOCK, include/linux/errno.h */
	RESTART_LAST = 516,
	RESTARTS = 3,
};

/* --- the site --- */

/* Bytes of the image that are mapped for use: behind it stand section headers and padding. */
static size_t image_bytes(const uint8_t *image)
{
	const Elf64_Ehdr *header = (const void *)image;
	const Elf64_Phdr *programs = (const void *)(image + header->e_phoff);
	size_t end = 0;

	for (size_t i = 0; i < header->e_phnum; i++)
		if (programs[i].p_type == PT_LOAD && programs[i].p_vaddr + programs[i].p_memsz > end)
			end = programs[i].p_vaddr + programs[i].p_memsz;
	return end;
}

static const struct mapping *find_vdso(const mappings *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].path, "[vdso]") == 0)
			return &list->items[i];
	return NULL;
}

void inject_find_site(const mappings *list, struct inject_site *site)
{
	const uint8_t *own = (const uint8_t *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	const struct mapping *vdso = find_vdso(list);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), image, mapped, offset;

	*site = (struct inject_site){ 0 };
	site->why = "there is no vdso to make a system call from";
	if (!own || !vdso || !(vdso->protection & MAPPING_EXECUTE))
		return;
	image = image_bytes(own);
	mapped = (image + page - 1) / page * page;
	site->size = inject_code_bytes();
	offset = mapped - site->size;
	site->why = "the vdso has no room for a system call";
	if (mapped < site->size || image > offset || range_bytes(vdso->range) < mapped)
		return;
	site->code = vdso->range.start + offset;
	site->why = "";
	memcpy(site->before, own + offset, site->size);
}

/* --- the thread's memory, through ptrace: FOLL_FORCE, as debuggers write their breakpoints --- */

static bool peek(pid_t tid, vaddr address, uint64_t *word)
{
	errno = 0;
	*word = (uint64_t)ptrace(PTRACE_PEEKDATA, tid, (void *)(uintptr_t)address, NULL);
	return errno == 0;
}

static bool poke(pid_t tid, vaddr address, const uint8_t *bytes, size_t size)
{
	uint64_t word;

	for (size_t at = 0; at < size; at += sizeof word) {
		memcpy(&word, bytes + at, sizeof word);
		if (ptrace(PTRACE_POKEDATA, tid, (void *)(uintptr_t)(address + at), (void *)word) < 0)
			return false;
	}
	return true;
}

/* The site holds what this kernel's vdso has there, or the code that a killed dumpcore left. */
static bool check_site(const struct inject_site *site, pid_t tid, const uint8_t *code,
					   struct err *err)
{
	uint8_t there[OLD_CODE_BYTES];
	uint64_t word;

	for (size_t at = 0; at < sizeof there; at += sizeof word) {
		if (!peek(tid, site->code + at, &word))
			return err_sys(err, errno, "cannot read the vdso at 0x%" PRIvaddr, site->code);
		memcpy(there + at, &word, sizeof word);
	}
	if (memcmp(there, site->before, sizeof there) == 0 || memcmp(there, code, sizeof there) == 0)
		return true;
	return err_set(err, ERR_UNSUPPORTED, "the vdso at 0x%" PRIvaddr " is not this kernel's",
				   site->code);
}

/* --- waiting --- */

static bool gone(pid_t tid, struct err *err)
{
	return err_set(err, ERR_GONE, "thread %d has ended", (int)tid);
}

/* Waits for the thread's next stop, with a limit. */
static bool wait_stop(pid_t tid, int *status, struct err *err)
{
	int64_t until = progress_now_ns() + (int64_t)GIVE_UP_S * SECOND_NS;
	struct timespec nap = { .tv_nsec = NAP_NS };

	for (;;) {
		pid_t got = waitpid(tid, status, __WALL | WNOHANG);

		if (got == tid)
			return WIFSTOPPED(*status) || gone(tid, err);
		if (got < 0 && errno != EINTR)
			return gone(tid, err);
		if (progress_now_ns() > until)
			return err_set(err, ERR_SYSTEM, "thread %d did not answer in %d s", (int)tid,
						   GIVE_UP_S);
		nanosleep(&nap, NULL);
	}
}

/* The signal to resume with: of all signals only SIGSTOP comes through the mask, and it must not be
 * lost. The thread goes on all the same, and stops with its process when it is let go. */
static unsigned long signal_of(int status)
{
	return status >> 16 == 0 && WSTOPSIG(status) != CALL_STOP ? (unsigned long)WSTOPSIG(status) : 0;
}

static bool resume(const struct inject *inject, int request, unsigned long signal, int *status,
				   struct err *err)
{
	if (ptrace(request, inject->tid, NULL, (void *)signal) < 0)
		return gone(inject->tid, err);
	return wait_stop(inject->tid, status, err);
}

/* Runs until the thread enters or leaves a system call. Stops on the way: the clone event, and a
 * stop of the whole process that somebody asked for (PTRACE_EVENT_STOP). */
static bool run_to_call_stop(struct inject *inject, struct err *err)
{
	unsigned long signal = 0, child = 0;
	int status = 0;

	for (;;) {
		if (!resume(inject, PTRACE_SYSCALL, signal, &status, err))
			return false;
		inject->called = true;
		if (WSTOPSIG(status) == CALL_STOP)
			return true;
		signal = signal_of(status);
		if (status >> 16 == PTRACE_EVENT_CLONE &&
			ptrace(PTRACE_GETEVENTMSG, inject->tid, NULL, &child) == 0) {
			inject->child = (pid_t)child;
			fault_point("replica.cloned");
		}
	}
}

static bool run_call(struct inject *inject, struct err *err)
{
	if (!run_to_call_stop(inject, err))
		return false;
	fault_point("inject.entered");
	return run_to_call_stop(inject, err);
}

/* Runs to a stop on the way of signals, beginning with that one (0: none). Only there does the
 * kernel look whether the call that the restored registers speak of must be begun again. */
static bool reach_signal_stop(const struct inject *inject, unsigned long signal, struct err *err)
{
	int status = 0;

	do {
		if (ptrace(PTRACE_INTERRUPT, inject->tid, NULL, NULL) < 0)
			return gone(inject->tid, err);
		if (!resume(inject, PTRACE_CONT, signal, &status, err))
			return false;
		signal = signal_of(status);
	} while (status >> 16 != PTRACE_EVENT_STOP);
	return true;
}

/* --- a thread --- */

/* Is the thread inside a restartable sequence? True also where the kernel does not tell. */
static bool in_sequence(pid_t tid)
{
	struct __ptrace_rseq_configuration rseq = { 0 };
	uint64_t sequence = 0;

	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid, (void *)sizeof rseq, &rseq) < 0)
		return true;
	return rseq.rseq_abi_pointer &&
		   (!peek(tid, rseq.rseq_abi_pointer + RSEQ_CS_OFFSET, &sequence) || sequence);
}

bool inject_may_use(pid_t tid, bool *in_call)
{
	struct inject_registers registers;

	if (!inject_registers_get(tid, &registers) || !inject_registers_native(&registers) ||
		inject_registers_would_be_lost(tid, &registers))
		return false;
	*in_call = inject_registers_in_call(tid, &registers);
	return *in_call || !in_sequence(tid);
}

bool inject_suits(pid_t tid)
{
	bool in_call;

	return inject_may_use(tid, &in_call);
}

static bool set_mask(pid_t tid, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, tid, (void *)MASK_BYTES, &mask) == 0;
}

static bool aim(struct inject *inject, enum inject_entry entry, long number,
				const uint64_t arguments[6])
{
	inject->now = inject->before;
	inject_registers_aim(&inject->now, inject->site->code, entry, number, arguments);
	return inject_registers_set(inject->tid, &inject->now);
}

static bool set_options(pid_t tid, unsigned long options)
{
	return ptrace(PTRACE_SETOPTIONS, tid, NULL, (void *)options) == 0;
}

static bool read_registers(struct inject *inject, struct err *err)
{
	if (!inject_registers_get(inject->tid, &inject->before) ||
		ptrace(PTRACE_GETSIGMASK, inject->tid, (void *)MASK_BYTES, &inject->mask) < 0)
		return err_sys(err, errno, "cannot read the registers of thread %d", (int)inject->tid);
	return true;
}

/* Lets the thread into its own system call once more, and stops it there. A signal that comes first
 * is delivered: then it stops at the beginning of the handler. Twice where the thread was just
 * about to make that call. If the registers still do not tell, a wait is begun anew. */
static bool settle(struct inject *inject, struct err *err)
{
	int status = 0;

	for (int i = 0; i < RESTARTS; i++) {
		if (!inject_registers_hide_restart(inject->tid, &inject->before))
			return true;
		if (!resume(inject, PTRACE_SYSCALL, 0, &status, err) ||
			!reach_signal_stop(inject, signal_of(status), err) || !read_registers(inject, err))
			return false;
		fault_point("inject.settled");
	}
	return true;
}

static bool write_code(const struct inject *inject, struct err *err)
{
	uint8_t code[INJECT_CODE_BYTES] = { 0 };
	size_t size = inject_code_make(&inject->before, &inject->first, inject->mask, code);

	if (!check_site(inject->site, inject->tid, code, err))
		return false;
	if (!poke(inject->tid, inject->site->code, code, (size + 7) / 8 * 8))
		return err_sys(err, errno, "cannot write to the vdso at 0x%" PRIvaddr, inject->site->code);
	return true;
}

bool inject_begin(struct inject *inject, const struct inject_site *site, pid_t tid,
				  bool through_seccomp, struct err *err)
{
	static const uint64_t none[6];
	unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
							(through_seccomp ? PTRACE_O_SUSPEND_SECCOMP : 0);

	*inject = (struct inject){ .site = site, .tid = tid };
	if (!read_registers(inject, err))
		return false;
	inject->first = inject->before;
	if (!set_options(tid, options))
		return err_sys(err, errno, "cannot make thread %d do a system call", (int)tid);
	inject->armed = true;
	if (!settle(inject, err) || !write_code(inject, err)) {
		inject_end(inject, NULL);
		return false;
	}
	fault_point("inject.code");
	if (aim(inject, INJECT_HEAL, 0, none)) {
		fault_point("inject.heal");
		if (set_mask(tid, UINT64_MAX)) {
			fault_point("inject.masked");
			return true;
		}
	}
	inject_end(inject, NULL);
	return gone(tid, err);
}

bool inject_call(struct inject *inject, enum inject_entry entry, long number,
				 const uint64_t arguments[6], int64_t *result, struct err *err)
{
	if (!aim(inject, entry, number, arguments))
		return gone(inject->tid, err);
	fault_point("inject.aimed");
	/* A stop of the whole process that begins just now makes clone give up; the kernel then calls
	 * it again when the thread goes on. */
	for (int i = 0; i < RESTARTS; i++) {
		if (!run_call(inject, err))
			return false;
		if (!inject_registers_get(inject->tid, &inject->now))
			return gone(inject->tid, err);
		*result = inject_registers_result(&inject->now);
		fault_point("inject.called");
		if (*result > -RESTART_FIRST || *result < -RESTART_LAST)
			return true;
	}
	return err_set(err, ERR_SYSTEM, "thread %d is being stopped by somebody else",
				   (int)inject->tid);
}

bool inject_close(struct inject *inject, struct err *err)
{
	return run_call(inject, err);
}

bool inject_end(struct inject *inject, struct err *err)
{
	if (!inject->armed)
		return true;
	inject->armed = false;
	if (inject->called && !reach_signal_stop(inject, 0, err))
		return false;
	if (!set_mask(inject->tid, inject->mask))
		return gone(inject->tid, err);
	fault_point("inject.unmasked");
	if (!inject_registers_set(inject->tid, &inject->before))
		return gone(inject->tid, err);
	fault_point("inject.restored");
	poke(inject->tid, inject->site->code, inject->site->before, inject->site->size);
	set_options(inject->tid, 0);
	return true;
}
