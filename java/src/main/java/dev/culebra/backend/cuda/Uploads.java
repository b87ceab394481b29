package dev.culebra.backend.cuda;

import dev.culebra.cuda.CudaContext;
import dev.culebra.cuda.DeviceBuffer;
import dev.culebra.cuda.Event;
import dev.culebra.cuda.PinnedBuffer;
import dev.culebra.cuda.Stream;
import dev.culebra.io.Owned;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Copies host memory to the device without blocking the host: through a ring of pinned buffers, on
 * its own stream, so that a batch is copied while the previous one is being processed.
 *
 * <pre>
 * host memory → pinned slot → (copy stream) → device slot → (compute stream) → tensor
 * </pre>
 *
 * The compute stream waits for the copy, the copy stream for the last use of its slot. The host
 * waits only if it is a whole ring ahead of the copies.
 */
final class Uploads implements AutoCloseable {
  private static final int SLOTS = 8;
  private static final long SLOT_BYTES = 256 << 10;

  private final Stream compute;
  private final Stream copies;
  private final List<Slot> ring = new ArrayList<>();
  private final Owned owned = new Owned();
  private int next;

  /** A block of pinned memory with its counterpart on the device. */
  private record Slot(PinnedBuffer pinned, DeviceBuffer device, Event arrived, Event used) {}

  Uploads(CudaContext context, Stream compute) {
    this.compute = compute;
    this.copies = owned.add(new Stream(context));
    for (int i = 0; i < SLOTS; i++) {
      ring.add(
          new Slot(
              owned.add(new PinnedBuffer(context, SLOT_BYTES)),
              owned.add(context.allocate(SLOT_BYTES)),
              owned.add(Event.untimed(context)),
              owned.add(Event.untimed(context))));
    }
  }

  /** Copies {@code from}, which may be reused on return, to the device. */
  void upload(long to, MemorySegment from) {
    for (long at = 0; at < from.byteSize(); at += SLOT_BYTES) {
      long bytes = Math.min(SLOT_BYTES, from.byteSize() - at);
      uploadPiece(to + at, from.asSlice(at, bytes));
    }
  }

  private void uploadPiece(long to, MemorySegment from) {
    Slot slot = ring.get(next);
    next = (next + 1) % SLOTS;
    slot.arrived.await();
    MemorySegment pinned = slot.pinned.segment().asSlice(0, from.byteSize());
    pinned.copyFrom(from);
    copies.await(slot.used);
    copies.upload(slot.device.address(), pinned);
    slot.arrived.record(copies);
    compute.await(slot.arrived);
    compute.copy(to, slot.device.address(), from.byteSize());
    slot.used.record(compute);
  }

  /** Copies from the device to {@code to}, after all work on the compute stream. */
  void readBlocking(MemorySegment to, long from) {
    Slot slot = ring.get(next);
    slot.arrived.await();
    for (long at = 0; at < to.byteSize(); at += SLOT_BYTES) {
      long bytes = Math.min(SLOT_BYTES, to.byteSize() - at);
      MemorySegment pinned = slot.pinned.segment().asSlice(0, bytes);
      compute.download(pinned, from + at);
      compute.synchronize();
      to.asSlice(at, bytes).copyFrom(pinned);
    }
  }

  @Override
  public void close() {
    owned.close();
  }
}
