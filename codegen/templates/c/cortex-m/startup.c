/* Starts the example on a Cortex-M without a vendor's code: the vector table and the floating-point
   unit; newlib does the rest. A real project has start-up code of its own. */

#include <stdint.h>

typedef void (*handler)(void);

/* newlib's start, for semihosting. */
void _start(void);
void reset(void);
/* The end of the memory, from the linker. */
extern uint32_t stack_top;

/* Ends the program with an error. */
static void fault(void) {
    register uint32_t operation __asm("r0") = 0x18;
    register uint32_t reason __asm("r1") = 0x20023;
    for (;;) __asm volatile("bkpt 0xab" : : "r"(operation), "r"(reason) : "memory");
}

void reset(void) {
#ifdef __ARM_FP
    volatile uint32_t *access = (volatile uint32_t *)0xe000ed88;
    *access |= 0xfu << 20;
    __asm volatile("dsb\n isb" : : : "memory");
#endif
    _start();
    fault();
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler handlers[15];
} vectors = {&stack_top,
             {reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault,
              fault, fault, fault}};
