/* What a guest of the bed needs beside busybox, in one static program.
 *
 * The truth between two guests' clocks needs the processor's cycle counter and a
 * page that guest and host share. Neither can be had without unsafe code, which
 * the crates of this repository forbid; so it is here, in the smallest language
 * that has both, and never linked with anything that is tested.
 *
 * Under TCG a guest's counter is the host's plus one constant. Guest and host
 * play ping-pong on the page: each exchange proves  h - t2 <= constant <= h - t1,
 * and thousands of them leave a fraction of a microsecond: a bound, no estimate.
 *
 *   bed agent PORT              run lines that come on a virtio-serial port
 *   bed wait FILE SECONDS TEXT  until a file holds a text; fails after SECONDS
 *   bed calibrate               "low high": host counter - guest counter
 *   bed read                    "counter width boottime realtime monotonic"
 *   bed sample MILLISECONDS FILE   the same, line by line, for ever
 *   bed answer PAGE...          the host's half of the calibration
 *   bed late MILLISECONDS N     p50 and p90 of how late N sleeps end, in us
 *   bed echo PORT               answers datagrams with when it heard and answered
 *   bed ask ADDRESS PORT N      asks N times; prints the four stamps of each answer
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum { PAGE = 4096, EXCHANGES = 3000, WARMING = 200, PAGES = 8, DATAGRAM = 64 };

struct page {
    _Alignas(64) _Atomic uint64_t asked;
    _Alignas(64) _Atomic uint64_t answered;
    _Atomic uint64_t counter;
};

static void die(const char *what) { perror(what); exit(1); }

static uint64_t counter(void) {
    _mm_lfence();
    uint64_t now = __rdtsc();
    _mm_lfence();
    return now;
}

static int64_t clock_ns(clockid_t id) {
    struct timespec at;
    clock_gettime(id, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void rest(long ms) {
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&left, NULL);
}

static struct page *map(const char *path) {
    int file = open(path, O_RDWR);
    if (file < 0) die(path);
    void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED) die(path);
    return at;
}

static int is(const char *device, const char *name, const char *wanted) {
    char path[512], text[16] = "";
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/%s", device, name);
    int file = open(path, O_RDONLY);
    if (file < 0 || read(file, text, sizeof text - 1) < 0) return 0;
    close(file);
    return !strncmp(text, wanted, strlen(wanted));
}

/* The page that the host shares with this guest: ivshmem's second region. */
static struct page *shared(void) {
    DIR *all = opendir("/sys/bus/pci/devices");
    for (struct dirent *one; all && (one = readdir(all));) {
        if (!is(one->d_name, "vendor", "0x1af4") || !is(one->d_name, "device", "0x1110")) continue;
        char path[512];
        snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/enable", one->d_name);
        int enable = open(path, O_WRONLY);
        if (enable < 0 || write(enable, "1", 1) < 0) die(path);
        snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/resource2", one->d_name);
        return map(path);
    }
    fputs("no ivshmem device\n", stderr);
    exit(1);
}

/* Where other work holds a core, an exchange takes a slice of time instead of a
 * microsecond; then fewer of them have to do, and the bound says what they gave. */
static int exchange(struct page *page, int times, int64_t *low, int64_t *high) {
    int64_t give_up = clock_ns(CLOCK_MONOTONIC) + 3000000000LL;
    uint64_t number = atomic_load(&page->asked);
    *low = INT64_MIN, *high = INT64_MAX;
    for (int i = 0; i < times; i++) {
        number++;
        uint64_t sent = counter();
        atomic_store(&page->asked, number);
        for (unsigned spun = 0; atomic_load(&page->answered) != number; spun++)
            if (!(spun & 0xffff) && clock_ns(CLOCK_MONOTONIC) > give_up) return i;
        uint64_t back = counter();
        int64_t host = atomic_load(&page->counter);
        if (host - (int64_t)back > *low) *low = host - (int64_t)back;
        if (host - (int64_t)sent < *high) *high = host - (int64_t)sent;
    }
    return times;
}

static int calibrate(void) {
    int64_t low, high;
    struct page *page = shared();
    exchange(page, WARMING, &low, &high);
    if (!exchange(page, EXCHANGES, &low, &high)) {
        fputs("the host does not answer\n", stderr);
        return 1;
    }
    printf("%lld %lld\n", (long long)low, (long long)high);
    return 0;
}

/* Spins while a calibration runs, and costs nothing between two. */
static int answer(int count, char **paths) {
    struct page *pages[PAGES];
    if (count > PAGES) return 1;
    for (int i = 0; i < count; i++) pages[i] = map(paths[i]);
    pid_t parent = getppid();
    for (unsigned idle = 0; getppid() == parent; idle++) {
        for (int i = 0; i < count; i++) {
            uint64_t asked = atomic_load(&pages[i]->asked);
            if (asked == atomic_load(&pages[i]->answered)) continue;
            atomic_store(&pages[i]->counter, counter());
            atomic_store(&pages[i]->answered, asked);
            idle = 0;
        }
        if (idle > 100000) rest(1);
    }
    return 0;
}

/* All clocks around one value of the counter; the narrowest of some attempts. */
static void line(FILE *out) {
    int64_t best[5] = { 0, INT64_MAX };
    for (int i = 0; i < 8; i++) {
        uint64_t before = counter();
        int64_t boot = clock_ns(CLOCK_BOOTTIME);
        uint64_t after = counter();
        if ((int64_t)(after - before) >= best[1]) continue;
        best[0] = before + (after - before) / 2, best[1] = after - before, best[2] = boot;
        best[3] = clock_ns(CLOCK_REALTIME), best[4] = clock_ns(CLOCK_MONOTONIC);
    }
    for (int i = 0; i < 5; i++) fprintf(out, "%lld%c", (long long)best[i], i < 4 ? ' ' : '\n');
    fflush(out);
}

static _Noreturn void sample(long ms, const char *path) {
    FILE *out = fopen(path, "w");
    if (!out) die(path);
    for (;;) line(out), rest(ms);
}

static int holds(const char *path, const char *text) {
    struct stat about;
    int file = open(path, O_RDONLY), found = 0;
    if (file < 0) return 0;
    if (!fstat(file, &about)) {
        char *all = calloc(1, about.st_size + 1);
        if (all && read(file, all, about.st_size) >= 0) found = memmem(all, about.st_size, text, strlen(text)) != NULL;
        free(all);
    }
    close(file);
    return found;
}

static int wait_for(const char *path, double seconds, const char *text) {
    int64_t end = clock_ns(CLOCK_MONOTONIC) + seconds * 1e9;
    while (clock_ns(CLOCK_MONOTONIC) < end) {
        if (holds(path, text)) return 0;
        rest(20);
    }
    return 1;
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int late(long ms, int times) {
    int64_t *all = calloc(times, sizeof *all);
    for (int i = 0; all && i < times; i++) {
        int64_t from = clock_ns(CLOCK_MONOTONIC);
        rest(ms);
        all[i] = (clock_ns(CLOCK_MONOTONIC) - from) / 1000 - ms * 1000;
    }
    if (!all || times < 10) return 1;
    qsort(all, times, sizeof *all, ascending);
    printf("%lld %lld\n", (long long)all[times / 2], (long long)all[times * 9 / 10]);
    return 0;
}

static struct sockaddr_in place(const char *address, const char *port) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
    if (!inet_aton(address, &at.sin_addr)) die(address);
    return at;
}

static _Noreturn void echo(const char *port) {
    int64_t datagram[DATAGRAM / 8];
    struct sockaddr_in own = place("0.0.0.0", port), from;
    int door = socket(AF_INET, SOCK_DGRAM, 0);
    if (door < 0 || bind(door, (struct sockaddr *)&own, sizeof own)) die("echo");
    for (;;) {
        socklen_t length = sizeof from;
        ssize_t got = recvfrom(door, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &length);
        datagram[1] = clock_ns(CLOCK_BOOTTIME);
        datagram[2] = clock_ns(CLOCK_BOOTTIME);
        if (got == sizeof datagram) sendto(door, datagram, got, 0, (struct sockaddr *)&from, length);
    }
}

static int ask(const char *address, const char *port, int times) {
    struct sockaddr_in there = place(address, port);
    struct timeval patience = { 0, 200000 };
    int door = socket(AF_INET, SOCK_DGRAM, 0);
    if (door < 0 || connect(door, (struct sockaddr *)&there, sizeof there)) die("ask");
    setsockopt(door, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int i = 0; i < times; i++) {
        int64_t datagram[DATAGRAM / 8] = { 0 }, asked = datagram[0] = clock_ns(CLOCK_BOOTTIME);
        if (send(door, datagram, sizeof datagram, 0) < 0) { rest(20); continue; }
        while (recv(door, datagram, sizeof datagram, 0) == sizeof datagram) {
            int64_t back = clock_ns(CLOCK_BOOTTIME);
            if (datagram[0] != asked) continue;
            printf("%lld %lld %lld %lld\n", (long long)asked, (long long)datagram[1], (long long)datagram[2], (long long)back);
            break;
        }
        rest(20);
    }
    return 0;
}

static void put(int port, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t put = write(port, bytes, length);
        if (put < 0) { rest(20); continue; }
        bytes += put, length -= put;
    }
}

/* A line in; "R CODE LENGTH" and so many bytes of output back. */
static void run(int port, char *command) {
    char *output = NULL;
    size_t length = 0;
    FILE *all = open_memstream(&output, &length);
    FILE *pipe = popen(command, "r");
    char some[65536];
    for (size_t got; pipe && (got = fread(some, 1, sizeof some, pipe)) > 0;)
        fwrite(some, 1, got, all);
    int status = pipe ? pclose(pipe) : 127 << 8;
    fclose(all);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    int head = snprintf(some, sizeof some, "R %d %zu\n", code, length);
    put(port, some, head);
    put(port, output, length);
    free(output);
}

static _Noreturn void agent(const char *path) {
    int port = open(path, O_RDWR);
    if (port < 0) die(path);
    put(port, "READY\n", 6);
    static char text[1 << 18];
    for (size_t used = 0;;) {
        ssize_t got = read(port, text + used, sizeof text - used - 1);
        if (got <= 0) { rest(20); continue; }
        used += got;
        for (char *end; (end = memchr(text, '\n', used));) {
            *end = 0;
            run(port, text);
            size_t taken = end + 1 - text;
            memmove(text, end + 1, used -= taken);
        }
        if (used == sizeof text - 1) used = 0;
    }
}

int main(int count, char **args) {
    const char *what = count > 1 ? args[1] : "";
    if (!strcmp(what, "agent") && count == 3) agent(args[2]);
    if (!strcmp(what, "wait") && count == 5) return wait_for(args[2], atof(args[3]), args[4]);
    if (!strcmp(what, "calibrate")) return calibrate();
    if (!strcmp(what, "read")) return line(stdout), 0;
    if (!strcmp(what, "sample") && count == 4) sample(atol(args[2]), args[3]);
    if (!strcmp(what, "answer") && count > 2) return answer(count - 2, args + 2);
    if (!strcmp(what, "late") && count == 4) return late(atol(args[2]), atoi(args[3]));
    if (!strcmp(what, "echo") && count == 3) echo(args[2]);
    if (!strcmp(what, "ask") && count == 5) return ask(args[2], args[3], atoi(args[4]));
    fputs("bed: see the head of bed.c\n", stderr);
    return 2;
}
