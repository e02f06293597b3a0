set -eu
for function in producer sink; do
  (cd $function && chalice package packaged)
done
