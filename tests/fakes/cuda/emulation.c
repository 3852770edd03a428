/*
 * Runs one of our GPU kernels on a CPU. Included twice: before the kernel's source, for the words that a GPU's compiler knows, and behind it,
 * for the launch. Each thread of a thread block is a fiber; a shuffle waits for its warp, __syncthreads for the block. A thread block whose
 * threads wait for each other at different places is told, as a GPU would hang. Thread blocks run one after the other, in an order that
 * changes with every launch, since a GPU promises none.
 */
#ifndef EMULATED
#define EMULATED
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define SHARED static
#define DEVICE static inline __attribute__((unused))
#define ALIGNED __attribute__((aligned(16)))
#define KERNEL static void
#define SHUFFLE_XOR(value, mask) emulated_shuffle(value, mask)
#define __syncthreads() emulated_wait(FOR_BLOCK)
#define __threadfence() ((void)0)

enum { MOST_THREADS = 1024, STACK = 64 << 10 };
enum emulated_state { RUNS, FOR_WARP, FOR_BLOCK, ENDED };

static struct { unsigned x, y, z; } threadIdx, blockIdx;
static ucontext_t emulated_scheduler, emulated_fibers[MOST_THREADS];
static enum emulated_state emulated_states[MOST_THREADS];
static float emulated_slots[2][MOST_THREADS];
static unsigned char emulated_turn[MOST_THREADS];

static void emulated_wait(enum emulated_state what)
{
    unsigned me = threadIdx.x;
    emulated_states[me] = what;
    swapcontext(&emulated_fibers[me], &emulated_scheduler);
    threadIdx.x = me;
}

/* Two slots a thread: who is quick may begin the next shuffle while others read this one. */
static inline float emulated_shuffle(float value, int mask)
{
    unsigned me = threadIdx.x, turn = emulated_turn[me] ^= 1;
    emulated_slots[turn][me] = value;
    emulated_wait(FOR_WARP);
    return emulated_slots[turn][me ^ mask];
}

static inline unsigned atomicAdd(unsigned *number, unsigned more)
{
    unsigned before = *number;
    *number += more;
    return before;
}

static inline float of_half(unsigned short half)
{
    _Float16 x;
    memcpy(&x, &half, sizeof x);
    return (float)x;
}

static inline unsigned short to_half(float number)
{
    _Float16 x = (_Float16)number;
    unsigned short half;
    memcpy(&half, &x, sizeof half);
    return half;
}

#else

static struct Work emulated_work;

static void emulated_thread(void)
{
    attend(emulated_work);
    emulated_states[threadIdx.x] = ENDED;
    setcontext(&emulated_scheduler);
}

/* Whether some of a range's threads wait so, and all others have ended; then they go on. */
static int emulated_release(int first, int count, enum emulated_state what)
{
    int waiting = 0;
    for (int i = first; i < first + count; i++)
    {
        if (emulated_states[i] != what && emulated_states[i] != ENDED)
        {
            return 0;
        }

        waiting += emulated_states[i] == what;
    }

    for (int i = first; i < first + count; i++)
    {
        emulated_states[i] = emulated_states[i] == what ? RUNS : emulated_states[i];
    }

    return waiting > 0;
}

static int emulated_block(int threads, char *stacks)
{
    for (int i = 0; i < threads; i++)
    {
        getcontext(&emulated_fibers[i]);
        emulated_fibers[i].uc_stack.ss_sp = stacks + (size_t)i * STACK;
        emulated_fibers[i].uc_stack.ss_size = STACK;
        emulated_fibers[i].uc_link = NULL;
        makecontext(&emulated_fibers[i], emulated_thread, 0);
        emulated_states[i] = RUNS;
    }

    for (int moved = 1; moved;)
    {
        moved = 0;
        for (int i = 0; i < threads; i++)
        {
            if (emulated_states[i] == RUNS)
            {
                threadIdx.x = (unsigned)i;
                swapcontext(&emulated_scheduler, &emulated_fibers[i]);
                moved = 1;
            }
        }

        for (int warp = 0; warp < threads; warp += 32)
        {
            moved |= emulated_release(warp, 32, FOR_WARP);
        }

        moved |= emulated_release(0, threads, FOR_BLOCK);
    }

    for (int i = 0; i < threads; i++)
    {
        if (emulated_states[i] != ENDED)
        {
            fprintf(stderr, "thread %d of block %u,%u,%u waits for ever\n", i, blockIdx.x, blockIdx.y, blockIdx.z);
            return 719; /* CUDA_ERROR_LAUNCH_FAILED */
        }
    }

    return 0;
}

__attribute__((visibility("default"))) int emulated_launch(
    unsigned x, unsigned y, unsigned z, unsigned threads, void **arguments)
{
    static unsigned launches;
    unsigned blocks = x * y * z, step = blocks / 2 + launches++ % 7 + 1;
    char *stacks = malloc((size_t)threads * STACK);
    int result = stacks ? 0 : 2;
    while (step % 2 == 0 || (blocks % step == 0 && step > 1))
    {
        step++; /* until it is likely to reach every block; what it leaves out is done behind */
    }

    char *done = calloc(blocks, 1);
    memcpy(&emulated_work, arguments[0], sizeof emulated_work);
    for (unsigned n = 0; n < 2 * blocks && result == 0; n++)
    {
        unsigned block = n < blocks ? (unsigned)((unsigned long long)n * step % blocks) : n - blocks;
        if (!done[block])
        {
            done[block] = 1;
            blockIdx.x = block % x;
            blockIdx.y = block / x % y;
            blockIdx.z = block / x / y;
            result = emulated_block((int)threads, stacks);
        }
    }

    free(done);
    free(stacks);
    return result;
}

#endif
