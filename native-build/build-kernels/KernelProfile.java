import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What is known about a compiled kernel without a GPU.
 *
 * @param name of the entry
 * @param threads of its largest block; 0 if it does not say
 * @param dynamicShared whether it uses shared memory whose size the launch gives
 * @param uses for each GPU it was assembled for, in the order of {@link Gpu#ALL}
 * @param hottest its hottest loop, if it has loops
 */
record KernelProfile(
    String name, int threads, boolean dynamicShared, List<Use> uses, Optional<PtxLoop> hottest) {
  /**
   * The assembler's result for one GPU.
   *
   * @param registers registers per thread
   * @param shared bytes of static shared memory
   * @param barriers barriers per block
   * @param stack bytes per thread
   * @param spilled bytes, stored and loaded
   * @param code bytes of machine code; 0 if the record is from a build that did not collect them
   */
  record Use(Gpu gpu, int registers, int shared, int barriers, int stack, int spilled, long code) {}

  /** How much of it is resident on a multiprocessor, if a block's size is known. */
  Optional<Gpu.Residency> residency(Use use) {
    return threads == 0
        ? Optional.empty()
        : Optional.of(use.gpu.residency(threads, use.registers, use.shared, use.barriers));
  }

  /** Tables of all kernels, as Markdown. */
  static String tables(List<KernelProfile> kernels) {
    StringBuilder text =
        new StringBuilder(
            """
            # The compiled kernels

            ## What they need

            Resident blocks and warps are per multiprocessor, for blocks of the largest size that the kernel is compiled for
            (`__launch_bounds__`). Shared memory is the static part; a "+" means that the launch adds dynamic shared memory,
            which is not counted, so fewer may be resident.

            | kernel | GPU | registers | shared memory | stack | spilled | code | threads | resident blocks | resident warps | limit |
            |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|
            """);
    for (KernelProfile kernel : kernels) {
      kernel.uses.forEach(use -> text.append(kernel.row(use)));
    }
    text.append(
        """

        ## Their hottest loops

        Read from the PTX, which the assembler still changes: each instruction of the loop once, both sides of its branches,
        without the loops in it, without `mov` and `cvta`. "Each" is for each tensor-core instruction; "FLOPs" are those of
        a tensor-core instruction, and of tensor cores for each instruction of a warp. Bytes are a thread's, loaded or copied
        from global memory and loaded from shared memory; operands of `wgmma` are not among them.

        | kernel | loop | depth | loops in it | instructions | tensor core | each | FLOPs | an instruction | fp32 | half | fp64 | integer | special | convert | shuffles | barriers | atomics | branches | predicated | global B | shared B | global B each | shared B each | loads, stores, copies |
        |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
        """);
    for (KernelProfile kernel : kernels) {
      text.append(
          kernel
              .hottest
              .map(kernel::row)
              .orElseGet(() -> "| " + kernel.name + " | none " + "| ".repeat(23) + "|\n"));
    }
    return text.toString();
  }

  private String row(Use use) {
    Optional<Gpu.Residency> residency = residency(use);
    return "| %s | %s | %d | %d%s | %d | %d | %s | %s | %s | %s | %s |\n"
        .formatted(
            name,
            use.gpu.name(),
            use.registers,
            use.shared,
            dynamicShared ? " +" : "",
            use.stack,
            use.spilled,
            use.code == 0 ? "?" : use.code,
            threads == 0 ? "?" : threads,
            residency.map(it -> "" + it.blocks()).orElse("?"),
            residency.map(it -> "" + it.warps()).orElse("?"),
            residency.map(Gpu.Residency::limit).orElse("?"));
  }

  private String row(PtxLoop loop) {
    InstructionMix mix = InstructionMix.of(loop.own());
    int products = mix.count(PtxInstruction.Kind.TENSOR_CORE);
    StringBuilder row = new StringBuilder("| " + name + " | `" + loop.label() + "`");
    cells(row, loop.depth(), loop.inner(), mix.instructions(), products);
    cells(row, each(mix.instructions(), products));
    cells(row, products == 0 ? "" : mix.flops() / products);
    cells(row, products == 0 ? "" : mix.flopsOfWarp() / mix.instructions());
    for (PtxInstruction.Kind kind :
        List.of(
            PtxInstruction.Kind.FP32,
            PtxInstruction.Kind.HALF,
            PtxInstruction.Kind.FP64,
            PtxInstruction.Kind.INTEGER,
            PtxInstruction.Kind.SPECIAL,
            PtxInstruction.Kind.CONVERT,
            PtxInstruction.Kind.SHUFFLE,
            PtxInstruction.Kind.BARRIER,
            PtxInstruction.Kind.ATOMIC,
            PtxInstruction.Kind.BRANCH)) {
      cells(row, mix.count(kind));
    }
    cells(row, mix.predicated(), mix.globalBytes(), mix.sharedBytes());
    cells(row, each(mix.globalBytes(), products), each(mix.sharedBytes(), products));
    cells(row, mix.accesses());
    return row.append(" |\n").toString();
  }

  private static void cells(StringBuilder row, Object... cells) {
    for (Object cell : cells) {
      row.append(" | ").append(cell);
    }
  }

  private static String each(long number, int products) {
    return products == 0 ? "" : String.format(Locale.ROOT, "%.1f", (double) number / products);
  }
}
