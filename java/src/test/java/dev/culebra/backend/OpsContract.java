package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.culebra.tensor.Buffer;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/**
 * The contract of every backend. A subclass provides the backend. The cases of an operation are in
 * its {@code …Cases} class; properties that need more than one case are in {@link
 * AttentionContract} and {@link SamplingContract}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class OpsContract implements AttentionContract, SamplingContract {
  private static final long MEMORY = 32 << 20;

  private final List<OpCase> cases = OpCases.all();
  private Backend backend;
  private Buffer memory;
  private Backend second;
  private Buffer memoryOfSecond;

  /** The backend to test; the contract closes it at the end. */
  protected abstract Backend open();

  /**
   * The backend on which each case runs a second time and must give the same bits: the backend
   * itself, another one that the contract closes at the end, or null for one run per case.
   */
  protected Backend openSecond(Backend backend) {
    return backend;
  }

  /** The operations whose cases run: all, unless another subclass tests the rest. */
  protected boolean concerns(String op) {
    return true;
  }

  @Override
  public final Backend backend() {
    return backend;
  }

  @Override
  public final Buffer memory() {
    return memory;
  }

  @BeforeAll
  void openAndAllocate() {
    backend = open();
    memory = backend.allocate(MEMORY);
    second = openSecond(backend);
    memoryOfSecond = second == null || second == backend ? memory : second.allocate(MEMORY);
  }

  @AfterAll
  void closeAndFindNoLeaks() {
    if (memory == null) {
      return; // there is no such device, and everything was skipped
    }
    if (memoryOfSecond != memory) {
      memoryOfSecond.close();
      second.close();
    }
    memory.close();
    assertThat(backend.memory().liveBuffers()).as("buffers left open").isZero();
    backend.close();
  }

  @Test
  void everyOperationHasACase() {
    long operations =
        Arrays.stream(Ops.class.getRecordComponents())
            .map(RecordComponent::getType)
            .filter(Op.class::isAssignableFrom)
            .flatMap(op -> Arrays.stream(op.getDeclaredMethods()))
            .filter(method -> Modifier.isPublic(method.getModifiers()))
            .count();
    assertThat(cases.stream().map(OpCase::op).distinct()).hasSize(Math.toIntExact(operations));
  }

  @Test
  void namesOfCasesAreDistinct() {
    Set<String> names = new HashSet<>();
    assertThat(cases).allSatisfy(each -> assertThat(names.add(each.name())).isTrue());
  }

  @TestFactory
  Stream<DynamicNode> equalsTheReferenceAndGivesTheSameBitsAgain() {
    return forEachCase(
        each -> {
          OpRun run = OpRun.of(each, backend, memory);
          run.verify();
          if (second != null) {
            assertSameBits(run.bits(), OpRun.of(each, second, memoryOfSecond).bits());
          }
        });
  }

  @TestFactory
  Stream<DynamicNode> rejectsWrongTensorsBeforeWriting() {
    return byOperation().values().stream()
        .map(List::getFirst)
        .map(first -> test(first, each -> Rejections.check(each, backend, memory)));
  }

  private static void assertSameBits(Map<String, int[]> actual, Map<String, int[]> expected) {
    assertThat(actual).isNotEmpty().hasSameSizeAs(expected);
    actual.forEach((name, bits) -> assertThat(bits).as(name).isEqualTo(expected.get(name)));
  }

  private Stream<DynamicNode> forEachCase(Consumer<OpCase> test) {
    return byOperation().entrySet().stream()
        .map(
            op ->
                dynamicContainer(
                    op.getKey(), op.getValue().stream().map(each -> test(each, test))));
  }

  /** A failure names the case and the backend, which not every test report does. */
  private DynamicTest test(OpCase each, Consumer<OpCase> test) {
    return dynamicTest(
        each.name(),
        () -> {
          try {
            test.accept(each);
          } catch (RuntimeException | AssertionError e) {
            String message = "%s on %s: %s".formatted(each, backend.name(), e);
            throw new AssertionError(message, e);
          }
        });
  }

  private Map<String, List<OpCase>> byOperation() {
    return cases.stream()
        .filter(each -> concerns(each.op()))
        .collect(Collectors.groupingBy(OpCase::op, LinkedHashMap::new, Collectors.toList()));
  }
}
