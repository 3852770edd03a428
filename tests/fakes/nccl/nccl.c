/*
 * NCCL's entry points over host memory, for machines without a GPU: what LlavaCluster's binding calls, with NCCL's own rules for ids,
 * order, calls that do not block, asynchronous errors, abort and destroy. Ranks are threads or processes of one machine and meet in a
 * file of /dev/shm that is named by the id. Every communicator has a worker that does its calls one after the other; until they are done
 * ncclCommGetAsyncError says "in progress". Written from the documentation; holds nothing of NCCL.
 *
 * gcc -O2 -shared -fPIC -pthread -o libfakenccl.so nccl.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUCCESS, CUDA_ERROR, SYSTEM_ERROR, INTERNAL_ERROR, INVALID_ARGUMENT, INVALID_USAGE, REMOTE_ERROR, IN_PROGRESS };
enum { MAX_RANKS = 16, CHUNK = 1 << 18, MAX_JOBS = 64 };
enum kind { REDUCE = 1, GATHER, BROADCAST };

typedef struct { char bytes[128]; } id_t128;

typedef struct { size_t size; unsigned magic; unsigned version; int blocking; } config_t;

/* What one rank says about the call that it makes; all must say the same. */
typedef struct { int kind, type, root; uint64_t bytes; } call_t;

typedef struct {
    _Atomic int opened, ranks, arrived;
    _Atomic unsigned meeting;
    _Atomic int state[MAX_RANKS]; /* 0 not here, 1 here, 2 has left, 3 aborted */
    _Atomic int pid[MAX_RANKS];
    call_t call[MAX_RANKS];
    char data[MAX_RANKS][CHUNK];
} table_t;

typedef struct { call_t call; const char *send; char *receive; } job_t;

typedef struct comm {
    table_t *table;
    char path[128];
    int rank, ranks;
    _Atomic int error, stop, todo;
    int first, last;
    job_t jobs[MAX_JOBS];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t worker;
    char message[256];
} comm_t;

static __thread int group_depth;
static __thread char thread_message[256];
static _Atomic int fail_next;

/* For tests: the next collective call returns this. */
void fakeNcclFailNext(int result) { fail_next = result; }

static int fail(comm_t *comm, int result, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(comm ? comm->message : thread_message, 256, format, values);
    va_end(values);
    return result;
}

static size_t size_of(int type)
{
    static const size_t sizes[] = { 1, 1, 4, 4, 8, 8, 2, 4, 8, 2 };
    return type >= 0 && type < 10 ? sizes[type] : 0;
}

static float number(int type, const char *at, size_t i)
{
    if (type == 7) return ((const float *)at)[i];
    if (type == 6) return (float)((const _Float16 *)at)[i];
    uint32_t bits = (uint32_t)((const uint16_t *)at)[i] << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static void put(int type, char *at, size_t i, float value)
{
    if (type == 7) { ((float *)at)[i] = value; return; }
    if (type == 6) { ((_Float16 *)at)[i] = (_Float16)value; return; }
    uint32_t bits;
    memcpy(&bits, &value, 4);
    ((uint16_t *)at)[i] = value != value ? 0x7fc0 : (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* A rank that is gone will never come to the meeting. */
static int look_around(comm_t *comm)
{
    if (comm->stop) return fail(comm, INTERNAL_ERROR, "aborted");
    for (int rank = 0; rank < comm->ranks; rank++) {
        int state = comm->table->state[rank], pid = comm->table->pid[rank];
        if (state >= 2 || (state == 1 && kill(pid, 0) != 0 && errno == ESRCH)) {
            return fail(comm, REMOTE_ERROR, "rank %d of %d is gone", rank, comm->ranks);
        }
    }
    return SUCCESS;
}

static int meet(comm_t *comm)
{
    table_t *table = comm->table;
    unsigned meeting = table->meeting;
    if (atomic_fetch_add(&table->arrived, 1) + 1 == comm->ranks) {
        table->arrived = 0;
        table->meeting++;
        return SUCCESS;
    }
    for (int turn = 0; table->meeting == meeting; turn++) {
        int error = turn >= 64 ? look_around(comm) : SUCCESS;
        if (error && table->meeting == meeting) return error;
        if (turn < 64) sched_yield(); else usleep(20);
    }
    return SUCCESS;
}

static int check_calls(comm_t *comm)
{
    const call_t *mine = &comm->table->call[comm->rank];
    for (int rank = 0; rank < comm->ranks; rank++) {
        const call_t *other = &comm->table->call[rank];
        if (memcmp(other, mine, sizeof *mine)) {
            return fail(comm, INTERNAL_ERROR, "rank %d makes call %d of %lu bytes, rank %d call %d of %lu bytes",
                rank, other->kind, (unsigned long)other->bytes, comm->rank, mine->kind, (unsigned long)mine->bytes);
        }
    }
    return SUCCESS;
}

static void take(comm_t *comm, const job_t *job, size_t at, size_t bytes)
{
    table_t *table = comm->table;
    if (job->call.kind == BROADCAST) {
        memcpy(job->receive + at, table->data[job->call.root], bytes);
    } else if (job->call.kind == GATHER) {
        for (int rank = 0; rank < comm->ranks; rank++) memcpy(job->receive + rank * job->call.bytes + at, table->data[rank], bytes);
    } else {
        for (size_t i = 0; i < bytes / size_of(job->call.type); i++) {
            float sum = number(job->call.type, table->data[0], i);
            for (int rank = 1; rank < comm->ranks; rank++) sum += number(job->call.type, table->data[rank], i);
            put(job->call.type, job->receive + at, i, sum);
        }
    }
}

static int run(comm_t *comm, const job_t *job)
{
    size_t at = 0;
    do {
        size_t bytes = job->call.bytes - at < CHUNK ? job->call.bytes - at : CHUNK;
        comm->table->call[comm->rank] = job->call;
        memcpy(comm->table->data[comm->rank], job->send + at, bytes);
        int error = meet(comm);
        if (!error) error = check_calls(comm);
        if (error) return error;
        take(comm, job, at, bytes);
        if ((error = meet(comm))) return error;
        at += bytes;
    } while (at < job->call.bytes);
    return SUCCESS;
}

static int join_others(comm_t *comm)
{
    table_t *table = comm->table;
    int none = 0;
    atomic_compare_exchange_strong(&table->ranks, &none, comm->ranks);
    if (table->ranks != comm->ranks) return fail(comm, INVALID_USAGE, "others count %d ranks, rank %d counts %d", table->ranks, comm->rank, comm->ranks);
    table->pid[comm->rank] = getpid();
    none = 0;
    if (!atomic_compare_exchange_strong(&table->state[comm->rank], &none, 1)) return fail(comm, INVALID_USAGE, "rank %d is there twice", comm->rank);
    for (int rank = 0; rank < comm->ranks; rank++) {
        while (!table->state[rank]) {
            if (comm->stop) return fail(comm, INTERNAL_ERROR, "aborted");
            usleep(100);
        }
    }
    return SUCCESS;
}

static void *work(void *argument)
{
    comm_t *comm = argument;
    comm->error = join_others(comm);
    pthread_mutex_lock(&comm->lock);
    comm->todo--;
    while (!comm->stop) {
        if (comm->first == comm->last || comm->error) { pthread_cond_wait(&comm->changed, &comm->lock); continue; }
        job_t job = comm->jobs[comm->first++ % MAX_JOBS];
        pthread_mutex_unlock(&comm->lock);
        int error = run(comm, &job);
        pthread_mutex_lock(&comm->lock);
        if (error) comm->error = error;
        comm->todo--;
    }
    pthread_mutex_unlock(&comm->lock);
    return 0;
}

static int enqueue(comm_t *comm, int kind, const void *send, void *receive, size_t bytes, int type, int root)
{
    if (!comm) return fail(0, INVALID_ARGUMENT, "no communicator");
    int planned = atomic_exchange(&fail_next, 0);
    if (planned) return fail(comm, planned, "planned by the test");
    if (!size_of(type)) return fail(comm, INVALID_ARGUMENT, "type %d is unknown", type);
    if (root < 0 || root >= comm->ranks) return fail(comm, INVALID_ARGUMENT, "root %d of %d ranks", root, comm->ranks);
    if (comm->error) return comm->error;
    pthread_mutex_lock(&comm->lock);
    if (comm->last - comm->first >= MAX_JOBS) { pthread_mutex_unlock(&comm->lock); return fail(comm, INVALID_USAGE, "more calls than the fake keeps"); }
    job_t *job = &comm->jobs[comm->last++ % MAX_JOBS];
    memset(job, 0, sizeof *job);
    job->call.kind = kind; job->call.type = type; job->call.root = root; job->call.bytes = bytes;
    job->send = send; job->receive = receive;
    comm->todo++;
    pthread_cond_signal(&comm->changed);
    pthread_mutex_unlock(&comm->lock);
    return group_depth ? SUCCESS : IN_PROGRESS;
}

static void end(comm_t *comm, int state)
{
    pthread_mutex_lock(&comm->lock);
    comm->stop = 1;
    pthread_cond_signal(&comm->changed);
    pthread_mutex_unlock(&comm->lock);
    pthread_join(comm->worker, 0);
    comm->table->state[comm->rank] = state;
    if (atomic_fetch_sub(&comm->table->opened, 1) == 1) unlink(comm->path);
    munmap(comm->table, sizeof *comm->table);
    free(comm);
}

int ncclGetVersion(int *version) { *version = 22809; return SUCCESS; }

int ncclGetUniqueId(id_t128 *id)
{
    unsigned char chance[16];
    if (getrandom(chance, sizeof chance, 0) != sizeof chance) return fail(0, SYSTEM_ERROR, "no random bytes");
    memset(id, 0, sizeof *id);
    for (int i = 0; i < 16; i++) sprintf(id->bytes + 2 * i, "%02x", chance[i]);
    return SUCCESS;
}

int ncclCommInitRankConfig(comm_t **result, int ranks, id_t128 id, int rank, config_t *config)
{
    *result = 0;
    if (ranks < 1 || ranks > MAX_RANKS || rank < 0 || rank >= ranks) return fail(0, INVALID_ARGUMENT, "rank %d of %d", rank, ranks);
    if (config && (config->magic != 0xcafebeef || config->size < sizeof *config)) return fail(0, INVALID_ARGUMENT, "not a configuration");
    if (strspn(id.bytes, "0123456789abcdef") != 32) return fail(0, INVALID_ARGUMENT, "not an id of this library");
    comm_t *comm = calloc(1, sizeof *comm);
    snprintf(comm->path, sizeof comm->path, "/dev/shm/fakenccl-%.32s", id.bytes);
    int file = open(comm->path, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, sizeof(table_t))) { free(comm); return fail(0, SYSTEM_ERROR, "no shared memory"); }
    comm->table = mmap(0, sizeof(table_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    comm->table->opened++;
    comm->rank = rank; comm->ranks = ranks; comm->todo = 1;
    pthread_mutex_init(&comm->lock, 0);
    pthread_cond_init(&comm->changed, 0);
    pthread_create(&comm->worker, 0, work, comm);
    *result = comm;
    if (config && config->blocking == 0) return IN_PROGRESS;
    while (comm->todo) usleep(100);
    return comm->error;
}

int ncclCommInitRank(comm_t **result, int ranks, id_t128 id, int rank) { return ncclCommInitRankConfig(result, ranks, id, rank, 0); }

int ncclCommGetAsyncError(comm_t *comm, int *error)
{
    if (!comm) return fail(0, INVALID_ARGUMENT, "no communicator");
    int lost = comm->error || comm->todo ? SUCCESS : look_around(comm);
    *error = comm->error ? comm->error : comm->todo ? IN_PROGRESS : lost;
    return SUCCESS;
}

int ncclCommFinalize(comm_t *comm) { return comm->error ? comm->error : comm->todo ? IN_PROGRESS : SUCCESS; }

int ncclCommDestroy(comm_t *comm) { end(comm, 2); return SUCCESS; }

int ncclCommAbort(comm_t *comm) { end(comm, 3); return SUCCESS; }

int ncclAllReduce(const void *send, void *receive, size_t count, int type, int operation, comm_t *comm, void *stream)
{
    if (operation != 0 || (type != 6 && type != 7 && type != 9)) return fail(comm, INVALID_ARGUMENT, "operation %d, type %d", operation, type);
    return enqueue(comm, REDUCE, send, receive, count * size_of(type), type, 0);
}

int ncclAllGather(const void *send, void *receive, size_t count, int type, comm_t *comm, void *stream)
{
    return enqueue(comm, GATHER, send, receive, count * size_of(type), type, 0);
}

int ncclBroadcast(const void *send, void *receive, size_t count, int type, int root, comm_t *comm, void *stream)
{
    return enqueue(comm, BROADCAST, send, receive, count * size_of(type), type, root);
}

int ncclGroupStart(void) { group_depth++; return SUCCESS; }

int ncclGroupEnd(void)
{
    if (!group_depth) return fail(0, INVALID_USAGE, "no group was begun");
    return --group_depth ? SUCCESS : IN_PROGRESS;
}

const char *ncclGetErrorString(int result)
{
    static const char *names[] = {
        "no error", "unhandled cuda error", "unhandled system error", "internal error", "invalid argument", "invalid usage",
        "remote process exited or there was a network error", "NCCL operation in progress",
    };
    return result >= 0 && result < 8 ? names[result] : "unknown result code";
}

const char *ncclGetLastError(comm_t *comm) { return comm ? comm->message : thread_message; }
