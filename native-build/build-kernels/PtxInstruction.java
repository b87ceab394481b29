import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One instruction of PTX, e.g. {@code @%p1 ld.global.v4.f32 {…}, [%rd1];}.
 *
 * @param predicated whether it has a guard
 * @param opcode including suffixes
 * @param operands as written
 * @param kind the unit that it uses
 */
record PtxInstruction(
    boolean predicated, String opcode, String operands, PtxInstruction.Kind kind) {
  /** The unit that an instruction uses. */
  enum Kind {
    TENSOR_CORE,
    FP32,
    /** bf16 and fp16. */
    HALF,
    FP64,
    /** Also logic and predicates. */
    INTEGER,
    /** Exponentials, roots and so on; divisions and remainders, each of which becomes several. */
    SPECIAL,
    /** Conversions in which one type is not an integer. */
    CONVERT,
    LOAD,
    STORE,
    ASYNC_COPY,
    ATOMIC,
    /** Also votes. */
    SHUFFLE,
    /** Also fences, waits and arrivals. */
    BARRIER,
    BRANCH,
    /** Register copies and address casts, most of which the assembler eliminates. */
    MOVE
  }

  enum Space {
    GLOBAL,
    SHARED,
    LOCAL,
    OTHER
  }

  private static final Pattern STATEMENT =
      Pattern.compile("(@!?[%\\w$]+\\s+)?([a-z][\\w.:]*)\\s*(.*)", Pattern.DOTALL);
  private static final Pattern SHAPE = Pattern.compile("\\.m(\\d+)n(\\d+)k(\\d+)");
  private static final Pattern VECTOR = Pattern.compile("\\.[vx](\\d)\\b");
  private static final Pattern TYPE = Pattern.compile("[busf](\\d+)");
  private static final Pattern BARRIER_OF_COPIES =
      Pattern.compile("^cp\\.async\\.(bulk\\.)?(commit|wait|mbarrier)");
  private static final Pattern COPIED = Pattern.compile("\\]\\s*,\\s*\\[[^\\]]*\\]\\s*,\\s*(\\d+)");
  private static final Pattern TARGET = Pattern.compile("[\\w$%]+$");

  static PtxInstruction of(String statement) {
    Matcher parts = STATEMENT.matcher(statement);
    if (!parts.matches()) {
      throw new IllegalArgumentException("not an instruction of PTX: " + statement);
    }
    String opcode = parts.group(2);
    return new PtxInstruction(
        parts.group(1) != null, opcode, parts.group(3).strip(), kind(opcode, opcode.split("\\.")));
  }

  private List<String> parts() {
    return Arrays.asList(opcode.split("\\."));
  }

  private static Kind kind(String opcode, String[] parts) {
    return switch (parts[0]) {
      case "mma", "wmma" -> Kind.TENSOR_CORE;
      case "wgmma" -> opcode.startsWith("wgmma.mma") ? Kind.TENSOR_CORE : Kind.BARRIER;
      case "bar", "barrier", "membar", "fence", "mbarrier", "setmaxnreg", "nanosleep" ->
          Kind.BARRIER;
      case "cp" -> BARRIER_OF_COPIES.matcher(opcode).find() ? Kind.BARRIER : Kind.ASYNC_COPY;
      case "bra", "brx", "ret", "exit", "trap", "call" -> Kind.BRANCH;
      case "mov", "cvta" -> Kind.MOVE;
      case "ex2", "lg2", "rcp", "sqrt", "rsqrt", "sin", "cos", "tanh", "div", "rem" -> Kind.SPECIAL;
      case "shfl", "vote", "match", "redux", "activemask", "elect" -> Kind.SHUFFLE;
      case "atom", "red" -> Kind.ATOMIC;
      case "ld", "ldu", "ldmatrix" -> Kind.LOAD;
      case "st", "stmatrix" -> Kind.STORE;
      case "cvt" -> arithmetic(parts) == Kind.INTEGER ? Kind.INTEGER : Kind.CONVERT;
      default -> arithmetic(parts);
    };
  }

  /** By the type in its suffix; for a comparison, the type of its operands. */
  private static Kind arithmetic(String[] parts) {
    Kind kind = Kind.INTEGER;
    for (String part : parts) {
      switch (part) {
        case "f64" -> {
          return Kind.FP64;
        }
        case "f32", "f32x2" -> kind = Kind.FP32;
        case "f16", "f16x2", "bf16", "bf16x2" -> kind = kind == Kind.FP32 ? kind : Kind.HALF;
        default -> {}
      }
    }
    return kind;
  }

  /** FLOPs of a tensor-core instruction, over its warp or warpgroup. */
  long flops() {
    if (kind != Kind.TENSOR_CORE) {
      return 0;
    }
    Matcher shape = SHAPE.matcher(opcode);
    return shape.find()
        ? 2L
            * Long.parseLong(shape.group(1))
            * Long.parseLong(shape.group(2))
            * Long.parseLong(shape.group(3))
        : 0;
  }

  /** Number of warps that issue it together. */
  int warps() {
    return opcode.startsWith("wgmma") ? 4 : 1;
  }

  /** The state space of a load or store. */
  Space space() {
    for (String part : parts()) {
      if (part.equals("global")) {
        return Space.GLOBAL;
      }
      if (part.startsWith("shared")) {
        return Space.SHARED;
      }
      if (part.equals("local")) {
        return Space.LOCAL;
      }
    }
    return Space.OTHER;
  }

  /**
   * Bytes that a thread loads, stores or copies; 0 if a register gives the number ({@code
   * cp.async.bulk}).
   */
  int bytes() {
    if (kind == Kind.ASYNC_COPY) {
      Matcher copied = COPIED.matcher(operands);
      return copied.find() ? Integer.parseInt(copied.group(1)) : 0;
    }
    Matcher vector = VECTOR.matcher(opcode);
    int count = vector.find() ? Integer.parseInt(vector.group(1)) : 1;
    if (parts().getFirst().endsWith("matrix")) {
      return 4 * count; // 8 × 8 elements of 2 bytes, over 32 threads
    }
    Matcher type = TYPE.matcher(parts().getLast());
    return type.matches() ? count * Integer.parseInt(type.group(1)) / 8 : 0;
  }

  /** The target label of a branch, or the label of its list of targets. */
  String target() {
    Matcher target = TARGET.matcher(operands);
    if (!target.find()) {
      throw new IllegalArgumentException("no target: " + opcode + " " + operands);
    }
    return target.group();
  }

  /** Whether control never continues to the next instruction. */
  boolean leaves() {
    return !predicated && List.of("bra", "brx", "ret", "exit", "trap").contains(parts().getFirst());
  }
}
