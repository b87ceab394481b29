import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * A loop of a kernel: a branch back to an instruction that dominates it.
 *
 * @param label at its start
 * @param depth 1 for an outermost loop
 * @param inner number of loops in it
 * @param own its instructions without those of inner loops, once each, including both sides of a
 *     branch
 */
record PtxLoop(String label, int depth, int inner, List<PtxInstruction> own) {
  private static final int TURNS = 4;

  /** All loops of a kernel, in the order of the code. */
  static List<PtxLoop> of(PtxEntry entry) {
    Map<Integer, BitSet> bodies = bodies(entry);
    List<PtxLoop> loops = new ArrayList<>();
    bodies.forEach(
        (header, body) -> {
          BitSet own = (BitSet) body.clone();
          int depth = 0;
          int inner = 0;
          for (Map.Entry<Integer, BitSet> other : bodies.entrySet()) {
            if (other.getValue().get(header)) {
              depth++; // around it, or itself
            } else if (body.get(other.getKey())) {
              inner++;
              own.andNot(other.getValue());
            }
          }
          loops.add(
              new PtxLoop(
                  entry.labels().getOrDefault(header, ""),
                  depth,
                  inner,
                  own.stream().mapToObj(entry.instructions()::get).toList()));
        });
    return loops;
  }

  /**
   * The loop in which a kernel is likely to spend its time, estimated without running it. Each loop
   * is assumed to run {@value TURNS} times per iteration of the enclosing one. Its work is counted
   * in its own instructions: tensor-core FLOPs if the kernel has any, otherwise instructions. For
   * equal work the first loop is chosen, since rare cases come later.
   */
  static Optional<PtxLoop> hottest(List<PtxLoop> loops) {
    boolean products = loops.stream().anyMatch(loop -> loop.flops() > 0);
    ToDoubleFunction<PtxLoop> work =
        loop ->
            (products ? loop.flops() : InstructionMix.of(loop.own).instructions())
                * Math.pow(TURNS, loop.depth);
    return loops.stream()
        .reduce((one, other) -> work.applyAsDouble(one) >= work.applyAsDouble(other) ? one : other);
  }

  private long flops() {
    return own.stream().mapToLong(PtxInstruction::flops).sum();
  }

  /** The instructions of each loop, by the index of its first. */
  private static Map<Integer, BitSet> bodies(PtxEntry entry) {
    int count = entry.instructions().size();
    List<List<Integer>> predecessors = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      predecessors.add(new ArrayList<>());
    }
    for (int i = 0; i < count; i++) {
      for (int next : entry.successors().get(i)) {
        predecessors.get(next).add(i);
      }
    }
    int[] dominators = dominators(entry.successors(), predecessors);
    Map<Integer, BitSet> bodies = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      for (int next : entry.successors().get(i)) {
        if (dominates(dominators, next, i)) {
          addBody(bodies.computeIfAbsent(next, header -> new BitSet()), next, i, predecessors);
        }
      }
    }
    return bodies;
  }

  /** All instructions from which the end of a loop is reached without passing its start. */
  private static void addBody(BitSet body, int header, int end, List<List<Integer>> predecessors) {
    body.set(header);
    Deque<Integer> open = new ArrayDeque<>(List.of(end));
    while (!open.isEmpty()) {
      int each = open.pop();
      if (!body.get(each)) {
        body.set(each);
        open.addAll(predecessors.get(each));
      }
    }
  }

  private static boolean dominates(int[] dominators, int one, int other) {
    if (dominators[other] < 0) {
      return false; // never reached
    }
    int each = other;
    while (each != one && each != 0) {
      each = dominators[each];
    }
    return each == one;
  }

  /**
   * The immediate dominator of each instruction; -1 if it is unreachable. (Cooper, Harvey, Kennedy:
   * A Simple, Fast Dominance Algorithm.)
   */
  private static int[] dominators(
      List<List<Integer>> successors, List<List<Integer>> predecessors) {
    int[] order = reversePostorder(successors);
    int[] rank = new int[successors.size()];
    for (int i = 0; i < order.length; i++) {
      rank[order[i]] = i;
    }
    int[] dominators = new int[successors.size()];
    Arrays.fill(dominators, -1);
    dominators[0] = 0;
    boolean changed = true;
    while (changed) {
      changed = false;
      for (int each : order) {
        int common = each == 0 ? 0 : -1;
        for (int before : predecessors.get(each)) {
          if (each != 0 && dominators[before] >= 0) {
            common = common < 0 ? before : common(dominators, rank, common, before);
          }
        }
        changed |= dominators[each] != common;
        dominators[each] = common;
      }
    }
    return dominators;
  }

  private static int common(int[] dominators, int[] rank, int one, int other) {
    int a = one;
    int b = other;
    while (a != b) {
      if (rank[a] > rank[b]) {
        a = dominators[a];
      } else {
        b = dominators[b];
      }
    }
    return a;
  }

  private static int[] reversePostorder(List<List<Integer>> successors) {
    int[] order = new int[successors.size()];
    int first = order.length;
    int[] visited = new int[order.length]; // number of followed successors, plus 1
    Deque<Integer> path = new ArrayDeque<>(List.of(0));
    visited[0] = 1;
    while (!path.isEmpty()) {
      int each = path.peek();
      List<Integer> next = successors.get(each);
      if (visited[each] <= next.size()) {
        int follow = next.get(visited[each]++ - 1);
        if (visited[follow] == 0) {
          visited[follow] = 1;
          path.push(follow);
        }
      } else {
        order[--first] = path.pop();
      }
    }
    return Arrays.copyOfRange(order, first, order.length);
  }
}
