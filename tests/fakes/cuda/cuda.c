/*
 * The entry points of CUDA's driver and of its run-time compiler that LlavaCluster calls, for machines without a GPU: kernels are compiled by
 * gcc together with emulation.c, which lies beside this library, and run on the CPU over host memory. Written from the documentation; holds
 * nothing of CUDA.
 *
 * gcc -O2 -shared -fPIC -pthread -o libfakecuda.so cuda.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS, INVALID_VALUE, OUT_OF_MEMORY, INVALID_CONTEXT = 201, NOT_FOUND = 500 };
enum { COMPILATION = 6, MAJOR = 75, MINOR = 76 };

typedef int launch_t(unsigned x, unsigned y, unsigned z, unsigned threads, void **arguments);
typedef struct { char *source, *log; char library[256]; } program_t;

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local void *current;
static int context;

int cuInit(unsigned flags) { return flags == 0 ? SUCCESS : INVALID_VALUE; }

int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal == 0 ? SUCCESS : 101; }

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    *value = attribute == MAJOR ? 9 : 0;
    return device == 0 && (attribute == MAJOR || attribute == MINOR) ? SUCCESS : INVALID_VALUE;
}

int cuDevicePrimaryCtxRetain(void **result, int device) { *result = &context; return device == 0 ? SUCCESS : INVALID_VALUE; }

int cuCtxSetCurrent(void *which) { current = which; return SUCCESS; }

int cuMemGetInfo_v2(size_t *free, size_t *total)
{
    *free = 5ul << 30;
    *total = 8ul << 30;
    return current == &context ? SUCCESS : INVALID_CONTEXT;
}

int cuGetErrorString(int error, const char **text)
{
    *text = error == SUCCESS ? "no error" : error == NOT_FOUND ? "named symbol not found" : "an error of the fake";
    return SUCCESS;
}

int cuModuleLoadData(void **module, const void *image)
{
    *module = dlopen(image, RTLD_NOW | RTLD_LOCAL);
    if (*module)
    {
        unlink(image);
    }

    return current != &context ? INVALID_CONTEXT : *module ? SUCCESS : INVALID_VALUE;
}

int cuModuleUnload(void *module) { return dlclose(module) ? INVALID_VALUE : SUCCESS; }

int cuModuleGetFunction(void **function, void *module, const char *name)
{
    *function = strcmp(name, "attend") == 0 ? dlsym(module, "emulated_launch") : NULL;
    return *function ? SUCCESS : NOT_FOUND;
}

int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream,
    void **arguments, void **extra)
{
    if (current != &context)
    {
        return INVALID_CONTEXT;
    }

    if (!gx || !gy || !gz || gy > 65535 || gz > 65535 || bx % 32 || bx > 1024 || by != 1 || bz != 1 || shared || stream || extra)
    {
        return INVALID_VALUE;
    }

    pthread_mutex_lock(&one_at_a_time);
    int result = ((launch_t *)function)(gx, gy, gz, bx, arguments);
    pthread_mutex_unlock(&one_at_a_time);
    return result;
}

const char *nvrtcGetErrorString(int error) { return error == COMPILATION ? "NVRTC_ERROR_COMPILATION" : "an error of the fake"; }

int nvrtcCreateProgram(program_t **program, const char *source, const char *name, int headers, const char **texts, const char **names)
{
    (void)name, (void)texts, (void)names;
    *program = calloc(1, sizeof **program);
    (*program)->source = strdup(source);
    (*program)->log = strdup("");
    return headers == 0 ? SUCCESS : 3;
}

int nvrtcCompileProgram(program_t *program, int count, const char **options)
{
    char folder[] = "/tmp/fakecuda-XXXXXX", command[2048], path[300], log[300];
    Dl_info self;
    if (!mkdtemp(folder) || !dladdr((void *)nvrtcCompileProgram, &self))
    {
        return 1;
    }

    snprintf(path, sizeof path, "%s/kernel.c", folder);
    snprintf(log, sizeof log, "%s/log", folder);
    snprintf(program->library, sizeof program->library, "%s.so", folder);
    char *beside = strdup(self.dli_fname), *slash = strrchr(beside, '/');
    *slash = 0;
    FILE *file = fopen(path, "w");
    fprintf(file, "#include \"%s/emulation.c\"\n#line 1 \"kernel.cu\"\n%s\n#include \"%s/emulation.c\"\n", beside, program->source, beside);
    fclose(file);
    int length = snprintf(command, sizeof command, "gcc -O2 -Wall -Wextra -Wno-unknown-pragmas -Werror -shared -fPIC -fvisibility=hidden");
    for (int i = 0; i < count; i++)
    {
        if (strncmp(options[i], "-D", 2) == 0)
        {
            length += snprintf(command + length, sizeof command - length, " '%s'", options[i]);
        }
    }

    snprintf(command + length, sizeof command - length, " -o '%s' '%s' -lm 2> '%s'", program->library, path, log);
    int failed = system(command);
    file = fopen(log, "r");
    free(program->log);
    program->log = calloc(1, 4097);
    size_t read = fread(program->log, 1, 4096, file);
    program->log[read] = 0;
    fclose(file);
    unlink(path);
    unlink(log);
    rmdir(folder);
    free(beside);
    return failed ? COMPILATION : SUCCESS;
}

int nvrtcGetProgramLogSize(program_t *program, size_t *size) { *size = strlen(program->log) + 1; return SUCCESS; }

int nvrtcGetProgramLog(program_t *program, char *log) { strcpy(log, program->log); return SUCCESS; }

int nvrtcGetCUBINSize(program_t *program, size_t *size) { *size = strlen(program->library) + 1; return SUCCESS; }

int nvrtcGetCUBIN(program_t *program, char *cubin) { strcpy(cubin, program->library); return SUCCESS; }

int nvrtcDestroyProgram(program_t **program)
{
    free((*program)->source);
    free((*program)->log);
    free(*program);
    *program = NULL;
    return SUCCESS;
}
