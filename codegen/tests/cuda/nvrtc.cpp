// A substitute for NVRTC's library, libnvrtc.so.12: it builds kernels for the CPU, for driver.cpp.
// GPU_STUB_FOLDER has gpu.h and libcuda.so.1; the libraries that are built go there, too.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

typedef int Status;
enum { SUCCESS = 0, COMPILATION = 6 };

struct Program {
    std::string source, code, log;
};

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT const char *nvrtcGetErrorString(Status) { return "NVRTC_ERROR_COMPILATION"; }
EXPORT Status nvrtcVersion(int *major, int *minor) { return *major = 12, *minor = 0, SUCCESS; }
EXPORT Status nvrtcCreateProgram(Program **program, const char *source, const char *, int, const char **, const char **) {
    *program = new Program{source, "", ""};
    return SUCCESS;
}
EXPORT Status nvrtcDestroyProgram(Program **program) { return delete *program, SUCCESS; }
EXPORT Status nvrtcCompileProgram(Program *program, int count, const char **options) {
    bool is_known = false;
    for (int i = 0; i < count; i++) is_known |= strcmp(options[i], "--gpu-architecture=sm_90") == 0;
    if (!is_known) {
        program->log = "nvrtc: error: invalid value for --gpu-architecture (-arch)\n";
        return COMPILATION;
    }
    const char *folder = getenv("GPU_STUB_FOLDER");
    const std::string path = std::string(folder ? folder : ".") + "/kernels";
    FILE *file = fopen((path + ".cpp").c_str(), "w");
    if (!file) return COMPILATION;
    fprintf(file, "#include \"gpu.h\"\n%s", program->source.c_str());
    fclose(file);
    const std::string command = "g++ -std=c++17 -O1 -shared -fPIC -Wno-unknown-pragmas -o " + path + ".so " + path + ".cpp -L " +
                                (folder ? folder : ".") + " -l:libcuda.so.1";
    if (system(command.c_str()) != 0) return COMPILATION;
    program->code = path + ".so";
    return SUCCESS;
}
EXPORT Status nvrtcGetProgramLogSize(Program *program, size_t *size) { return *size = program->log.size() + 1, SUCCESS; }
EXPORT Status nvrtcGetProgramLog(Program *program, char *log) { return strcpy(log, program->log.c_str()), SUCCESS; }
EXPORT Status nvrtcGetCUBINSize(Program *program, size_t *size) { return *size = program->code.size() + 1, SUCCESS; }
EXPORT Status nvrtcGetCUBIN(Program *program, char *code) { return strcpy(code, program->code.c_str()), SUCCESS; }
