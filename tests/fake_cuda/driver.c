/* NVIDIA's driver libraries (libcuda.so.1, libnvcuvid.so.1) as far as FFmpeg calls them, without a GPU.
 *
 * Memory is that of the process. The decoder gives every picture in one grey, at the time and in the order that FFmpeg
 * expects of it. Environment variables choose what it does, by the words of cuviddec.h:
 *   FAKE_NVDEC_CODECS   numbers of cudaVideoCodec that it decodes, with commas; absent: all
 *   FAKE_NVDEC_DEPTH    the deepest picture in bits; absent: 8
 *   FAKE_NVDEC_MAX      largest width and height; absent: 8192
 *   FAKE_NVDEC_CREATE   the CUresult of cuvidCreateDecoder, such as 2 (out of memory)
 *   FAKE_NVDEC_DECODE   the CUresult of cuvidDecodePicture
 *   FAKE_CUDA_INIT      the CUresult of cuInit, such as 100 (no device)
 */
#include <stdlib.h>
#include <string.h>

typedef unsigned long long address;
#define DONE(name) int name(void) { return 0; }
#define HANDLE(name) int name(void **made) { *made = (void *)1; return 0; }

static int set(const char *name, int otherwise) {
    const char *value = getenv(name);
    return value ? atoi(value) : otherwise;
}

int cuInit(unsigned flags) { return set("FAKE_CUDA_INIT", 0); }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal ? 101 : 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) { *value = 256; return 0; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "fake", size); return 0; }
int cuDeviceComputeCapability(int *major, int *minor, int device) { *major = 8; *minor = 9; return 0; }
int cuCtxCreate_v2(void **made, unsigned flags, int device) { *made = (void *)1; return 0; }
int cuCtxPopCurrent_v2(void **popped) { if (popped) *popped = (void *)1; return 0; }
int cuCtxGetDevice(int *device) { *device = 0; return 0; }
int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) { *flags = 0; *active = 1; return 0; }
int cuDevicePrimaryCtxRetain(void **made, int device) { *made = (void *)1; return 0; }
int cuStreamCreate(void **made, unsigned flags) { *made = (void *)1; return 0; }
HANDLE(cuCtxGetCurrent)
DONE(cuCtxPushCurrent_v2) DONE(cuCtxDestroy_v2) DONE(cuCtxSetLimit) DONE(cuDevicePrimaryCtxRelease)
DONE(cuDevicePrimaryCtxReset) DONE(cuDevicePrimaryCtxSetFlags) DONE(cuStreamDestroy_v2) DONE(cuStreamQuery)
DONE(cuStreamSynchronize) DONE(cuStreamWaitEvent) DONE(cuStreamAddCallback)

int cuGetErrorName(int code, const char **name) {
    *name = code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : code == 100 ? "CUDA_ERROR_NO_DEVICE"
          : code == 801 ? "CUDA_ERROR_NOT_SUPPORTED" : "CUDA_ERROR_UNKNOWN";
    return 0;
}
int cuGetErrorString(int code, const char **text) {
    *text = code == 2 ? "out of memory" : code == 100 ? "no CUDA-capable device is detected"
          : code == 801 ? "operation not supported" : "unknown error";
    return 0;
}

int cuMemAlloc_v2(address *made, size_t size) { *made = (address)malloc(size); return 0; }
int cuMemAllocPitch_v2(address *made, size_t *pitch, size_t width, size_t height, unsigned element) {
    *pitch = (width + 255) / 256 * 256;
    return cuMemAlloc_v2(made, *pitch * height);
}
int cuMemFree_v2(address memory) { free((void *)memory); return 0; }

struct rectangle {
    size_t x, y;
    int kind; /* 1: host, 2: device */
    void *host;
    address device;
    void *array;
    size_t pitch;
};
struct copy {
    struct rectangle from, to;
    size_t width, height;
};
static char *start(struct rectangle *area) {
    return (area->kind == 1 ? (char *)area->host : (char *)area->device) + area->y * area->pitch + area->x;
}
int cuMemcpy2D_v2(struct copy *copy) {
    for (size_t line = 0; line < copy->height; line++)
        memcpy(start(&copy->to) + line * copy->to.pitch, start(&copy->from) + line * copy->from.pitch, copy->width);
    return 0;
}
int cuMemcpy2DAsync_v2(struct copy *copy, void *stream) { return cuMemcpy2D_v2(copy); }

/* FFmpeg looks for these too, and does not call them to decode. */
#define UNUSED(name) int name(void) { return 801; }
UNUSED(cuMemAllocManaged) UNUSED(cuMemsetD8Async) UNUSED(cuMemcpy) UNUSED(cuMemcpyAsync) UNUSED(cuMemcpyHtoD_v2)
UNUSED(cuMemcpyHtoDAsync_v2) UNUSED(cuMemcpyDtoH_v2) UNUSED(cuMemcpyDtoHAsync_v2) UNUSED(cuMemcpyDtoD_v2)
UNUSED(cuMemcpyDtoDAsync_v2) UNUSED(cuEventCreate) UNUSED(cuEventDestroy_v2) UNUSED(cuEventSynchronize)
UNUSED(cuEventQuery) UNUSED(cuEventRecord) UNUSED(cuLaunchKernel) UNUSED(cuLinkCreate) UNUSED(cuLinkAddData)
UNUSED(cuLinkComplete) UNUSED(cuLinkDestroy) UNUSED(cuModuleLoadData) UNUSED(cuModuleUnload)
UNUSED(cuModuleGetFunction) UNUSED(cuModuleGetGlobal) UNUSED(cuTexObjectCreate) UNUSED(cuTexObjectDestroy)
UNUSED(cuGLGetDevices_v2) UNUSED(cuGraphicsGLRegisterImage) UNUSED(cuGraphicsUnregisterResource)
UNUSED(cuGraphicsMapResources) UNUSED(cuGraphicsUnmapResources) UNUSED(cuGraphicsSubResourceGetMappedArray)
UNUSED(cuGraphicsResourceGetMappedPointer_v2) UNUSED(cuArrayCreate_v2) UNUSED(cuArray3DCreate_v2)
UNUSED(cuArrayDestroy) UNUSED(cuDeviceGetByPCIBusId) UNUSED(cuDeviceGetPCIBusId)

struct capabilities {
    int codec, chroma;
    unsigned deeper, reserved[3];
    unsigned char supported, decoders;
    unsigned short formats;
    unsigned max_width, max_height, max_blocks;
    unsigned short min_width, min_height;
};
int cuvidGetDecoderCaps(struct capabilities *asked) {
    char list[256];
    const char *codecs = getenv("FAKE_NVDEC_CODECS");
    asked->supported = asked->chroma == 1 && 8 + asked->deeper <= set("FAKE_NVDEC_DEPTH", 8);
    if (codecs) {
        int codec = asked->codec, found = 0;
        strncpy(list, codecs, sizeof list - 1);
        list[sizeof list - 1] = 0;
        for (char *part = strtok(list, ","); part; part = strtok(NULL, ","))
            found |= atoi(part) == codec;
        asked->supported &= found;
    }
    asked->decoders = 1;
    asked->formats = 0xf;
    asked->max_width = asked->max_height = set("FAKE_NVDEC_MAX", 8192);
    asked->max_blocks = 8192 * 8192 / 256;
    asked->min_width = asked->min_height = 16;
    return 0;
}

struct decoder {
    unsigned long width, height, deeper;
};
struct create {
    unsigned long width, height, surfaces;
    int codec, chroma;
    unsigned long flags, deeper;
};
int cuvidCreateDecoder(struct decoder **made, struct create *asked) {
    *made = malloc(sizeof **made);
    **made = (struct decoder){asked->width, asked->height, asked->deeper};
    return set("FAKE_NVDEC_CREATE", 0);
}
int cuvidDestroyDecoder(struct decoder *decoder) { free(decoder); return 0; }
int cuvidDecodePicture(struct decoder *decoder, void *parameters) { return set("FAKE_NVDEC_DECODE", 0); }
int cuvidMapVideoFrame64(struct decoder *decoder, int picture, address *made, unsigned *pitch, void *how) {
    size_t given;
    unsigned long lines = (decoder->height + 1) / 2 * 3;
    cuMemAllocPitch_v2(made, &given, decoder->width * (decoder->deeper ? 2 : 1), lines, 4);
    *pitch = given;
    memset((void *)*made, 0x80, given * lines);
    return 0;
}
int cuvidUnmapVideoFrame64(struct decoder *decoder, address memory) { return cuMemFree_v2(memory); }
DONE(cuvidGetDecodeStatus) DONE(cuvidReconfigureDecoder) HANDLE(cuvidCtxLockCreate) DONE(cuvidCtxLockDestroy)
DONE(cuvidCtxLock) DONE(cuvidCtxUnlock) UNUSED(cuvidCreateVideoSource) UNUSED(cuvidCreateVideoSourceW)
UNUSED(cuvidDestroyVideoSource) UNUSED(cuvidSetVideoSourceState) UNUSED(cuvidGetVideoSourceState)
UNUSED(cuvidGetSourceVideoFormat) UNUSED(cuvidGetSourceAudioFormat) UNUSED(cuvidCreateVideoParser)
UNUSED(cuvidParseVideoData) UNUSED(cuvidDestroyVideoParser)
