#include "dumpcore/access.h"

#include "archive/proc_text.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TEXT_LIMIT = 64 << 10,
	KERNEL_THREAD_FLAG = 0x00200000, /* PF_KTHREAD, include/linux/sched.h */
};

static uint64_t number(struct span status, const char *key)
{
	uint64_t value = 0;

	proc_text_number(status, key, &value);
	return value;
}

/* The second field, the effective id, of "Uid:\t1000\t1000\t…". */
static uid_t effective_uid(struct span status)
{
	struct span value = proc_text_value(status, "Uid");
	char text[64];

	memcpy(text, value.size ? (const char *)value.data : "", value.size < 63 ? value.size : 63);
	text[value.size < 63 ? value.size : 63] = '\0';
	return (uid_t)strtoul(text + strcspn(text, "\t "), NULL, 10);
}

static bool has_capability(struct span status, int capability)
{
	struct span value = proc_text_value(status, "CapEff");
	char text[32] = "";

	if (value.size && value.size < sizeof text)
		memcpy(text, value.data, value.size);
	return strtoull(text, NULL, 16) & (UINT64_C(1) << capability);
}

static int read_yama_scope(const struct procfs *procfs)
{
	struct strbuf text = { 0 };
	int scope = -1;

	if (procfs_read_root(procfs, "sys/kernel/yama/ptrace_scope", 64, &text, NULL))
		scope = atoi(strbuf_text(&text));
	strbuf_deinit(&text);
	return scope;
}

static void read_own(const struct procfs *procfs, struct access_facts *facts)
{
	struct strbuf status = { 0 };

	if (procfs_read_root(procfs, "self/status", TEXT_LIMIT, &status, NULL)) {
		facts->own_uid = effective_uid(strbuf_span(&status));
		facts->own_capability = has_capability(strbuf_span(&status), CAP_SYS_PTRACE);
		facts->own_admin = has_capability(strbuf_span(&status), CAP_SYS_ADMIN);
		facts->own_files = has_capability(strbuf_span(&status), CAP_DAC_READ_SEARCH) ||
						   has_capability(strbuf_span(&status), CAP_DAC_OVERRIDE);
		facts->own_kill = has_capability(strbuf_span(&status), CAP_KILL);
		facts->own_filter = number(strbuf_span(&status), "Seccomp") != 0;
	}
	strbuf_deinit(&status);
}

/* A namespace made by a process maps some users; the first one maps all to themselves. */
static bool is_in_first_namespace(const struct procfs *procfs)
{
	unsigned inside = 0, outside = 0, count = UINT32_MAX;
	struct strbuf text = { 0 };

	if (procfs_read_root(procfs, "self/uid_map", TEXT_LIMIT, &text, NULL))
		sscanf(strbuf_text(&text), "%u %u %u", &inside, &outside, &count);
	strbuf_deinit(&text);
	return inside == 0 && outside == 0 && count == UINT32_MAX;
}

/* CAP_SYS_PTRACE shows the link of every process in the own namespace and in those below it: one
 * that it does not show is outside. Else, where the link cannot be read, nothing is claimed. */
static bool is_other_namespace(const struct procfs *procfs, bool own_capability)
{
	char theirs[128], own[128] = "", path[4096];
	ssize_t length;

	snprintf(path, sizeof path, "%s/self/ns/user", procfs->root);
	length = readlink(path, own, sizeof own - 1);
	own[length > 0 ? length : 0] = '\0';
	procfs_link(procfs, "ns/user", theirs, sizeof theirs);
	if (!own[0] || !theirs[0])
		return own[0] && own_capability && !is_in_first_namespace(procfs);
	return strcmp(own, theirs) != 0;
}

bool access_read(const struct procfs *procfs, struct access_facts *facts, struct err *err)
{
	struct strbuf status = { 0 };
	struct procfs_stat stat;
	struct stat file = { 0 };
	struct span text;

	*facts = (struct access_facts){ .pid = procfs->pid };
	if (!procfs_read(procfs, "status", TEXT_LIMIT, &status, err) ||
		!procfs_read_stat(procfs, "stat", &stat, err)) {
		strbuf_deinit(&status);
		return false;
	}
	text = strbuf_span(&status);
	fstatat(procfs->folder, "status", &file, 0);
	memcpy(facts->comm, stat.comm, sizeof facts->comm);
	facts->state = stat.state;
	facts->kernel_thread = stat.flags & KERNEL_THREAD_FLAG;
	facts->leader = (pid_t)number(text, "Tgid");
	facts->threads = number(text, "Threads");
	facts->tracer = (pid_t)number(text, "TracerPid");
	facts->target_uid = effective_uid(text);
	facts->file_uid = file.st_uid;
	facts->yama_scope = read_yama_scope(procfs);
	read_own(procfs, facts);
	facts->other_user_namespace = is_other_namespace(procfs, facts->own_capability);
	strbuf_deinit(&status);
	return true;
}

bool access_check_kind(const struct access_facts *facts, struct err *err)
{
	int pid = (int)facts->pid;

	if (facts->pid == getpid()) {
		err_set(err, ERR_USAGE, "%d is dumpcore itself", pid);
		return err_hint(err, "give the id of another process");
	}
	if (facts->leader && facts->leader != facts->pid) {
		err_set(err, ERR_USAGE, "%d is a thread of process %d", pid, (int)facts->leader);
		return err_hint(err, "capture the process: dumpcore %d", (int)facts->leader);
	}
	if (facts->kernel_thread) {
		err_set(err, ERR_USAGE, "%d (%s) is a kernel thread: it has no memory of its own", pid,
				facts->comm);
		return err_hint(err, "give the id of a program");
	}
	/* A zombie leader whose threads run on still has memory, but /proc/PID shows none of it. */
	if ((facts->state == 'Z' || facts->state == 'X') && facts->threads > 1) {
		err_set(err, ERR_UNSUPPORTED,
				"the main thread of process %d (%s) has ended (a zombie) and %" PRIu64
				" others run on: the kernel does not show its memory",
				pid, facts->comm, facts->threads - 1);
		return err_hint(err, "end it with SIGABRT: the kernel can still write a core of it");
	}
	if (facts->state == 'Z' || facts->state == 'X') {
		err_set(err, ERR_GONE, "process %d (%s) has ended (a zombie): its memory is gone", pid,
				facts->comm);
		return err_hint(err, "its parent has not yet asked for its exit status");
	}
	return true;
}

static bool explain_yama(const struct access_facts *facts, const char *command, struct err *err)
{
	int pid = (int)facts->pid;

	if (facts->yama_scope >= 3) {
		err_set(err, ERR_PERMISSION,
				"kernel.yama.ptrace_scope is 3: nobody may trace process %d until the next boot",
				pid);
		return err_hint(err, "boot with kernel.yama.ptrace_scope=1 or less");
	}
	err_set(err, ERR_PERMISSION, "process %d is yours, but kernel.yama.ptrace_scope is %d: %s", pid,
			facts->yama_scope,
			facts->yama_scope == 1 ? "only its ancestors may trace it"
								   : "only CAP_SYS_PTRACE may trace");
	return err_hint(err, "sudo %s", command);
}

static bool explain_root(const struct access_facts *facts, struct err *err)
{
	err_set(err, ERR_PERMISSION,
			"root, but without CAP_SYS_PTRACE: this container may not trace process %d",
			(int)facts->pid);
	return err_hint(err, "docker run --cap-add SYS_PTRACE, or securityContext.capabilities.add: "
						 "[SYS_PTRACE]; or run dumpcore on the host");
}

static bool explain_user(const struct access_facts *facts, const char *command, struct err *err)
{
	err_set(err, ERR_PERMISSION,
			"process %d runs as user %u, you are user %u without CAP_SYS_PTRACE", (int)facts->pid,
			(unsigned)facts->target_uid, (unsigned)facts->own_uid);
	return err_hint(err, "sudo %s", command);
}

/* /proc/PID/mem and its like are files of the target's user, readable by their owner only. */
static bool explain_files(const struct access_facts *facts, struct err *err)
{
	err_set(err, ERR_PERMISSION,
			"user %u, with CAP_SYS_PTRACE but without CAP_DAC_READ_SEARCH: the files of process %d "
			"in /proc belong to user %u",
			(unsigned)facts->own_uid, (int)facts->pid, (unsigned)facts->file_uid);
	return err_hint(err, "securityContext.capabilities.add: [SYS_PTRACE, DAC_READ_SEARCH, KILL] "
						 "(docker run --cap-add for each), or run dumpcore on the host");
}

static bool explain_unknown(const struct access_facts *facts, struct err *err)
{
	err_set(err, ERR_PERMISSION,
			"the kernel refused to let process %d be traced, and none of its usual rules applies",
			(int)facts->pid);
	return err_hint(err, "a security module may forbid it: see `journalctl -k | grep -i denied` "
						 "(SELinux deny_ptrace, AppArmor), or a container's seccomp profile");
}

bool access_may_kill(const struct access_facts *facts)
{
	return facts->own_kill || facts->own_uid == facts->target_uid;
}

bool access_explain(const struct access_facts *facts, const char *command, struct err *err)
{
	int pid = (int)facts->pid;

	if (facts->tracer) {
		err_set(err, ERR_PERMISSION, "process %d is traced already, by process %d", pid,
				(int)facts->tracer);
		return err_hint(err, "end that debugger or tracer (ps -p %d), or use --consistency live",
						(int)facts->tracer);
	}
	if (facts->yama_scope >= 3)
		return explain_yama(facts, command, err);
	if (facts->other_user_namespace) {
		err_set(err, ERR_PERMISSION, "process %d is in another user namespace", pid);
		return err_hint(err, "run dumpcore as root on the host: sudo %s", command);
	}
	if (facts->own_capability && facts->own_uid != facts->file_uid && !facts->own_files)
		return explain_files(facts, err);
	if (facts->own_capability)
		return explain_unknown(facts, err);
	if (facts->own_uid == 0)
		return explain_root(facts, err);
	if (facts->own_uid != facts->target_uid)
		return explain_user(facts, command, err);
	if (facts->file_uid != facts->target_uid) {
		err_set(err, ERR_PERMISSION,
				"process %d is yours, but not dumpable (setuid, file capabilities, or "
				"prctl(PR_SET_DUMPABLE))",
				pid);
		return err_hint(err, "sudo %s", command);
	}
	if (facts->yama_scope >= 1)
		return explain_yama(facts, command, err);
	return explain_unknown(facts, err);
}
