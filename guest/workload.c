/* The whole user space of the test guest: it is /init, loads the virtio modules, and then proves that it is alive and whole.
 *
 *   beat    every 5 ms one line on the serial console:                    b <count>
 *   writer  one per virtio disk: numbered, checksummed 4 KiB blocks,      f:<disk letter>:<last block number that is flushed>
 *   dirtier touches memory at a given rate, so that a migration has something to chase
 *   waker   wakes every millisecond at real-time priority. QEMU before 9.0 under TCG does not flush its TLB when migration clears
 *           the dirty bitmap, and loses stores of a guest that never switches address spaces; this process makes it switch.
 *   console reads commands from the serial console: poweroff, reboot, panic
 *
 * The kernel command line chooses: wherry.beat=MILLISECONDS (5) wherry.write=KIB_PER_SECOND_AND_DISK (0: none)
 * wherry.dirty=MIB_PER_SECOND (0: none) wherry.touch=MIB (64: how much memory the dirtier cycles through)
 *
 * A block on disk, little endian (tests/Wherry.Testbed/Guest/DiskVerifier.cs reads it):
 *   0  magic "WHERRYBK"   8  disk letter (u64)   16  number, from 1 (u64)   24  checksum (u64)   32..4095  filler made from number and disk
 * Block number n lies at position (n - 1) mod (disk size / 4096). Everything up to the last "f" line must be on the disk.
 * No line ends like another kind of line: a migration may cut one in two, half at the source and half at the destination.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/input.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, BATCH = 16, MAX_DISKS = 26, MAX_INPUTS = 4, FLUSHES_PER_SECOND = 20 };

struct block {
    char magic[8];
    uint64_t disk, number, checksum;
    uint64_t filler[(BLOCK - 32) / 8];
};

static int serial; /* /dev/ttyS0, raw; every line is one write, so lines of different processes never mix */

static void say(const char *format, uint64_t a, uint64_t b)
{
    char line[64];
    int n = snprintf(line, sizeof line, format, (unsigned long long)a, (unsigned long long)b);
    if (write(serial, line, n) != n)
        _exit(1);
}

static uint64_t option(const char *name, uint64_t otherwise)
{
    static char line[4096];
    if (!line[0]) {
        int fd = open("/proc/cmdline", O_RDONLY);
        ssize_t n = read(fd, line, sizeof line - 1);
        line[n > 0 ? n : 0] = 0;
        close(fd);
    }
    const char *at = strstr(line, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : otherwise;
}

/* Sleeps until the next multiple of the period; a pause longer than that (a migration) is not made up for. */
static void pace(struct timespec *next, long period_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    next->tv_nsec += period_ns;
    while (next->tv_nsec >= 1000000000) {
        next->tv_nsec -= 1000000000;
        next->tv_sec++;
    }
    if (now.tv_sec > next->tv_sec || (now.tv_sec == next->tv_sec && now.tv_nsec > next->tv_nsec))
        *next = now;
    else
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static pid_t run(void (*body)(uint64_t), uint64_t argument, int realtime_priority)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    if (realtime_priority) {
        struct sched_param p = { .sched_priority = realtime_priority };
        sched_setscheduler(0, SCHED_FIFO, &p);
    }
    body(argument);
    _exit(0);
}

static void waker(uint64_t unused)
{
    struct timespec next;
    (void)unused;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (;;)
        pace(&next, 1000000);
}

static void beat(uint64_t period_ms)
{
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (uint64_t count = 1;; count++) {
        say("b %llu\n", count, 0);
        pace(&next, period_ms * 1000000);
    }
}

static void dirtier(uint64_t mib_per_second)
{
    size_t size = option("wherry.touch=", 64) << 20;
    volatile uint64_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct timespec next;
    if (memory == MAP_FAILED)
        _exit(1);
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (uint64_t page = 0, round = 1;; round++) {
        for (uint64_t i = 0; i < mib_per_second * 256 / 100; i++, page = (page + 1) % (size / BLOCK))
            memory[page * (BLOCK / 8)] = round;
        pace(&next, 10000000);
    }
}

static void fill(struct block *b, uint64_t disk, uint64_t number)
{
    uint64_t sum = 14695981039346656037u, x = number * 2862933555777941757u + disk;
    memcpy(b->magic, "WHERRYBK", 8);
    b->disk = disk;
    b->number = number;
    for (size_t i = 0; i < sizeof b->filler / 8; i++) {
        b->filler[i] = x += 0x9e3779b97f4a7c15u;
        sum = (sum ^ x) * 1099511628211u;
    }
    sum = (sum ^ disk) * 1099511628211u;
    b->checksum = (sum ^ number) * 1099511628211u;
}

static void writer(uint64_t disk)
{
    static struct block batch[BATCH] __attribute__((aligned(BLOCK)));
    char path[] = "/dev/vd?";
    uint64_t bytes, blocks, number = 1;
    uint64_t batches_per_second = option("wherry.write=", 0) * 1024 / sizeof batch + 1;
    uint64_t batches_per_flush = batches_per_second / FLUSHES_PER_SECOND + 1;
    struct timespec next;
    path[7] = (char)disk;
    int fd = open(path, O_RDWR | O_DIRECT);
    if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) < 0)
        _exit(0);
    blocks = bytes / BLOCK / BATCH * BATCH;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (uint64_t done = 1;; done++) {
        off_t at = (off_t)((number - 1) % blocks) * BLOCK;
        for (int i = 0; i < BATCH; i++)
            fill(&batch[i], disk, number++);
        if (pwrite(fd, batch, sizeof batch, at) != sizeof batch || (done % batches_per_flush == 0 && fdatasync(fd) < 0)) {
            say("e:%c:%llu\n", disk, (uint64_t)errno);
            _exit(1);
        }
        if (done % batches_per_flush == 0)
            say("f:%c:%llu\n", disk, number - 1);
        pace(&next, 1000000000 / batches_per_second);
    }
}

static void stop_machine(int how)
{
    sync();
    reboot(how);
}

/* The ACPI power button is what `virsh shutdown` presses; it is one of the first input devices. */
static void power_button(uint64_t device)
{
    struct input_event event;
    char path[32];
    snprintf(path, sizeof path, "/dev/input/event%llu", (unsigned long long)device);
    int fd = open(path, O_RDONLY);
    while (fd >= 0 && read(fd, &event, sizeof event) == sizeof event)
        if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1)
            stop_machine(RB_POWER_OFF);
}

static void console(uint64_t unused)
{
    char line[64];
    size_t length = 0;
    (void)unused;
    for (;;) {
        if (read(serial, line + length, 1) != 1)
            _exit(1);
        if (line[length] != '\n' && line[length] != '\r') {
            length = (length + 1) % (sizeof line - 1);
            continue;
        }
        line[length] = 0;
        length = 0;
        if (!strcmp(line, "poweroff"))
            stop_machine(RB_POWER_OFF);
        if (!strcmp(line, "reboot"))
            stop_machine(RB_AUTOBOOT);
        if (!strcmp(line, "panic")) {
            int fd = open("/proc/sysrq-trigger", O_WRONLY);
            if (write(fd, "c", 1) != 1)
                _exit(1);
        }
    }
}

/* The names are in the order of their dependencies; the archive holds them as /modules/0, /modules/1, ... */
static void load_modules(void)
{
    char path[32];
    for (int i = 0;; i++) {
        snprintf(path, sizeof path, "/modules/%d", i);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return;
        syscall(SYS_finit_module, fd, "", 0);
        close(fd);
    }
}

int main(void)
{
    struct termios raw;
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    serial = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
    if (serial < 0)
        return 1;
    tcgetattr(serial, &raw);
    cfmakeraw(&raw);
    tcsetattr(serial, TCSANOW, &raw);
    load_modules();

    run(waker, 0, 50);
    run(beat, option("wherry.beat=", 5), 40);
    run(console, 0, 0);
    for (uint64_t device = 0; device < MAX_INPUTS; device++)
        run(power_button, device, 0);
    if (option("wherry.dirty=", 0))
        run(dirtier, option("wherry.dirty=", 0), 0);
    if (option("wherry.write=", 0))
        for (uint64_t disk = 'a'; disk < 'a' + MAX_DISKS; disk++)
            run(writer, disk, 0);
    say("ready\n", 0, 0);
    for (;;)
        if (wait(NULL) < 0)
            pause();
}
