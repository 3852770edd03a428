/*
 * Attention of sequences that compute one token each, straight from their KV blocks: softmax(q.k / sqrt(d)).v for all query heads.
 *
 * A thread block has one sequence, one KV head with all its query heads, and one stretch of 256 positions. Its lanes are cut into groups
 * that each hold one position's key, 8 numbers a lane; every group keeps a running softmax of the positions it meets, and these are joined
 * at the end: groups, warps, and, by whichever thread block of a sequence and head ends last, stretches. Which numbers are summed in which
 * order follows from positions alone: a sequence gets the same bits in any company.
 *
 * Compiled at run time, behind numbers.cu, for KERNEL_DIM (numbers of a head: a power of two, 8 to 256) and KERNEL_GROUP (query heads of a
 * KV head).
 */
#define DIM KERNEL_DIM
#define GROUP KERNEL_GROUP
#define BLOCK_TOKENS 16
#define STRETCH 256
#define WARPS 4
#define THREADS (32 * WARPS)
#define LANES (DIM / PER_LANE)       /* that hold one position */
#define GROUPS (32 / LANES)          /* positions that a warp holds */
#define STRIDE (WARPS * GROUPS)      /* positions that a thread block holds */
#define AHEAD 4                      /* positions of a lane whose memory is on its way at once */
#define WIDTH (DIM + 2)              /* of a partial result: sums, largest score, sum of weights */
#define NOTHING as_float(0xff800000u) /* minus infinity */

/* What the host fills in: see PagedAttention.Work. */
struct Work
{
    const void *query;        /* [tokens, kv_heads, GROUP, DIM] */
    const void *keys;         /* [blocks, BLOCK_TOKENS, kv_heads, DIM] */
    const void *values;       /* as keys */
    void *attended;           /* [tokens, kv_heads, GROUP, DIM] */
    const long long *numbers; /* the step's numbers */
    float *partial;           /* [sequences, kv_heads, stretches, GROUP, WIDTH]; unused with one stretch */
    unsigned *arrived;        /* [sequences, kv_heads]: 0 between steps */
    long long first;          /* among the numbers, four for each sequence: token, place of its blocks, first key, context */
    int kv_heads;
    int stretches;            /* most of any sequence */
    float scale;              /* log2(e) / sqrt(DIM): weights are powers of two */
};

DEVICE float largest(float a, float b) { return a > b ? a : b; }

/* 2^(a - b) where a is not above b; 0 for a that is minus infinity, also where b is. */
DEVICE float weight(float a, float b) { return a == NOTHING ? 0.0f : exp2f(a - b); }

/* A softmax so far: sums of values by weight, the largest score, and the sum of weights, which are relative to it. */
struct Running
{
    float sums[PER_LANE];
    float top;
    float all;
};

DEVICE void begin(struct Running *running)
{
    int i;
    for (i = 0; i < PER_LANE; i++)
    {
        running->sums[i] = 0.0f;
    }

    running->top = NOTHING;
    running->all = 0.0f;
}

/* Joins the groups of a warp: afterwards all have the same. */
DEVICE void join_groups(struct Running *running)
{
    int mask, i;
#pragma unroll
    for (mask = LANES; mask < 32; mask *= 2)
    {
        float other = SHUFFLE_XOR(running->top, mask), other_all = SHUFFLE_XOR(running->all, mask);
        float top = largest(running->top, other), mine = weight(running->top, top), theirs = weight(other, top);
        running->all = running->all * mine + other_all * theirs;
        running->top = top;
#pragma unroll
        for (i = 0; i < PER_LANE; i++)
        {
            running->sums[i] = running->sums[i] * mine + SHUFFLE_XOR(running->sums[i], mask) * theirs;
        }
    }
}

KERNEL attend(struct Work work)
{
    SHARED float joined[WARPS][GROUP][WIDTH];
    SHARED int is_last;
    const int thread = (int)threadIdx.x, warp = thread / 32, lane = thread % 32, part = lane % LANES * PER_LANE;
    const int head = (int)blockIdx.x, sequence = (int)blockIdx.y;
    const long long *about = work.numbers + work.first + 4ll * sequence;
    const long long row = about[0], *blocks = work.numbers + about[1];
    const int first_key = (int)about[2], context = (int)about[3];
    const int first_stretch = first_key / STRETCH, stretches = (context + STRETCH - 1) / STRETCH - first_stretch;
    const int start = (first_stretch + (int)blockIdx.z) * STRETCH;
    const int from = start > first_key ? start : first_key, to = start + STRETCH < context ? start + STRETCH : context;
    struct Running running[GROUP];
    float query[GROUP][PER_LANE];
    int g, i, a, w, base;
    if ((int)blockIdx.z >= stretches)
    {
        return; /* another sequence of the step has more */
    }

#pragma unroll
    for (g = 0; g < GROUP; g++)
    {
        struct Eight q = eight_at(work.query, ((row * work.kv_heads + head) * GROUP + g) * DIM + part);
        begin(&running[g]);
#pragma unroll
        for (i = 0; i < PER_LANE; i++)
        {
            query[g][i] = widened(&q, i) * work.scale;
        }
    }

    for (base = start + warp * GROUPS + lane / LANES; base - (warp * GROUPS + lane / LANES) < to; base += AHEAD * STRIDE)
    {
        struct Eight keys[AHEAD], values[AHEAD];
        float scores[GROUP][AHEAD];
#pragma unroll
        for (a = 0; a < AHEAD; a++)
        {
            /* Positions that do not count are read as the first that does. */
            int position = base + a * STRIDE, at = position >= from && position < to ? position : from;
            long long slot = blocks[at / BLOCK_TOKENS - first_key / BLOCK_TOKENS] * BLOCK_TOKENS + at % BLOCK_TOKENS;
            long long index = (slot * work.kv_heads + head) * DIM + part;
            keys[a] = eight_at(work.keys, index);
            values[a] = eight_at(work.values, index);
        }

#pragma unroll
        for (a = 0; a < AHEAD; a++)
        {
            int position = base + a * STRIDE, mask;
#pragma unroll
            for (g = 0; g < GROUP; g++)
            {
                float score = 0.0f;
#pragma unroll
                for (i = 0; i < PER_LANE; i++)
                {
                    score += query[g][i] * widened(&keys[a], i);
                }

#pragma unroll
                for (mask = 1; mask < LANES; mask *= 2)
                {
                    score += SHUFFLE_XOR(score, mask);
                }

                scores[g][a] = position >= from && position < to ? score : NOTHING;
            }
        }

#pragma unroll
        for (g = 0; g < GROUP; g++)
        {
            float top = running[g].top, before;
#pragma unroll
            for (a = 0; a < AHEAD; a++)
            {
                top = largest(top, scores[g][a]);
            }

            before = weight(running[g].top, top);
            running[g].top = top;
            running[g].all *= before;
#pragma unroll
            for (i = 0; i < PER_LANE; i++)
            {
                running[g].sums[i] *= before;
            }

#pragma unroll
            for (a = 0; a < AHEAD; a++)
            {
                float share = weight(scores[g][a], top);
                running[g].all += share;
#pragma unroll
                for (i = 0; i < PER_LANE; i++)
                {
                    running[g].sums[i] += share * widened(&values[a], i);
                }
            }
        }
    }

#pragma unroll
    for (g = 0; g < GROUP; g++)
    {
        join_groups(&running[g]);
        if (lane < LANES)
        {
#pragma unroll
            for (i = 0; i < PER_LANE; i++)
            {
                joined[warp][g][part + i] = running[g].sums[i];
            }

            joined[warp][g][DIM] = running[g].top;
            joined[warp][g][DIM + 1] = running[g].all;
        }
    }

    __syncthreads();
    for (i = thread; i < GROUP * DIM; i += THREADS)
    {
        float top = NOTHING, all = 0.0f, sum = 0.0f;
        long long place = ((long long)sequence * work.kv_heads + head) * work.stretches + blockIdx.z;
        g = i / DIM;
        for (w = 0; w < WARPS; w++)
        {
            top = largest(top, joined[w][g][DIM]);
        }

        for (w = 0; w < WARPS; w++)
        {
            float share = weight(joined[w][g][DIM], top);
            all += joined[w][g][DIM + 1] * share;
            sum += joined[w][g][i % DIM] * share;
        }

        if (stretches == 1)
        {
            ((number_t *)work.attended)[((row * work.kv_heads + head) * GROUP + g) * DIM + i % DIM] = narrowed(sum / all);
        }
        else
        {
            float *partial = work.partial + (place * GROUP + g) * WIDTH;
            partial[i % DIM] = sum;
            if (i % DIM == 0)
            {
                partial[DIM] = top;
                partial[DIM + 1] = all;
            }
        }
    }

    if (stretches == 1)
    {
        return;
    }

    /* Who finds that all others have arrived joins what they left: their writes are seen before their arrival. */
    __threadfence();
    __syncthreads();
    if (thread == 0)
    {
        is_last = atomicAdd(&work.arrived[sequence * work.kv_heads + head], 1u) == (unsigned)(stretches - 1);
    }

    __syncthreads();
    if (!is_last)
    {
        return;
    }

    __threadfence();
    for (i = thread; i < GROUP * DIM; i += THREADS)
    {
        float top = NOTHING, all = 0.0f, sum = 0.0f;
        const volatile float *partial =
            work.partial + (((long long)sequence * work.kv_heads + head) * work.stretches * GROUP + i / DIM) * WIDTH;
        for (w = 0; w < stretches; w++)
        {
            top = largest(top, partial[(long long)w * GROUP * WIDTH + DIM]);
        }

        for (w = 0; w < stretches; w++)
        {
            const volatile float *one = partial + (long long)w * GROUP * WIDTH;
            float share = weight(one[DIM], top);
            all += one[DIM + 1] * share;
            sum += one[i % DIM] * share;
        }

        ((number_t *)work.attended)[((row * work.kv_heads + head) * GROUP + i / DIM) * DIM + i % DIM] = narrowed(sum / all);
    }

    if (thread == 0)
    {
        work.arrived[sequence * work.kv_heads + head] = 0;
    }
}
