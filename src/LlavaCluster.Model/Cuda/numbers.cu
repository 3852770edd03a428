/*
 * What our kernels have in common: words that depend on the compiler, and numbers as memory has them, eight at a time. Compiled at run time
 * for KERNEL_NUMBER: 0 float, 1 bfloat16, 2 float16. Like all kernels here it is written in the part of C++ that is also C, so that tests can
 * compile and run it on a CPU (EMULATED).
 */
#define NUMBER KERNEL_NUMBER
#define PER_LANE 8 /* numbers of a lane */

#ifndef EMULATED
#define SHARED __shared__
#define DEVICE static __device__ __forceinline__
#define ALIGNED __align__(16)
#define KERNEL extern "C" __global__ void __launch_bounds__(THREADS)
#define SHUFFLE_XOR(value, mask) __shfl_xor_sync(0xffffffffu, value, mask)
#endif

DEVICE float as_float(unsigned bits)
{
    union { unsigned bits; float number; } same;
    same.bits = bits;
    return same.number;
}

#if NUMBER == 0
typedef float number_t;
struct ALIGNED Eight { float numbers[PER_LANE]; };
DEVICE float widened(const struct Eight *eight, int i) { return eight->numbers[i]; }
DEVICE number_t narrowed(float x) { return x; }
#else
typedef unsigned short number_t;
struct ALIGNED Eight { unsigned pairs[PER_LANE / 2]; };
#if NUMBER == 1
DEVICE float widened(const struct Eight *eight, int i)
{
    unsigned pair = eight->pairs[i / 2];
    return as_float(i % 2 ? pair & 0xffff0000u : pair << 16);
}

/* To the nearest, ties to even, as torch rounds; what is no number stays none. */
DEVICE number_t narrowed(float x)
{
    union { float number; unsigned bits; } same;
    same.number = x;
    return (number_t)((same.bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : (same.bits + 0x7fffu + ((same.bits >> 16) & 1u)) >> 16);
}
#else
#ifndef EMULATED
DEVICE float of_half(unsigned short half)
{
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
    return x;
}

DEVICE unsigned short to_half(float x)
{
    unsigned short half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(x));
    return half;
}
#endif
DEVICE float widened(const struct Eight *eight, int i)
{
    unsigned pair = eight->pairs[i / 2];
    return of_half((unsigned short)(i % 2 ? pair >> 16 : pair));
}

DEVICE number_t narrowed(float x) { return to_half(x); }
#endif
#endif

DEVICE struct Eight eight_at(const void *memory, long long index) { return *(const struct Eight *)((const number_t *)memory + index); }
